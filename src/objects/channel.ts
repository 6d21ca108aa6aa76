/**
 * Handles to channels: the calls of `zx_channel_*`.
 *
 * I1. A call that is refused leaves the handles with who had them; Zircon closes those of a write
 *     that fails.
 */

import {
  MESSAGE_BYTES_MAX, MESSAGE_HANDLES_MAX, messageBytes, type ChannelMessage, type ChannelObject,
} from './channel-object.js';
import { fail } from './errors.js';
import { Handle, toHandle } from './handle.js';
import { Peered } from './peered.js';
import { Right } from './rights.js';
import { copyOf, refuse, toCount, toData } from './units.js';

const NOTHING = new Uint8Array(0);

/** A handle to one end of a channel. */
export class Channel extends Peered<ChannelObject> {
  /**
   * Sends a message (`zx_channel_write`; needs WRITE). The handles leave their owners.
   *
   * @param data - at most 65536 bytes; copied
   * @param handles - at most 64, each with TRANSFER, none to this end
   * @throws ZxError ZX_ERR_OUT_OF_RANGE for more, ZX_ERR_ACCESS_DENIED without TRANSFER,
   *     ZX_ERR_NOT_SUPPORTED for this end itself, ZX_ERR_INVALID_ARGS for a handle named twice,
   *     ZX_ERR_PEER_CLOSED, ZX_ERR_NO_MEMORY
   */
  write(data: Uint8Array = NOTHING, handles: readonly Handle[] = []): void {
    const channel = this.change(Right.WRITE);
    toData(data);
    if (!Array.isArray(handles)) refuse(handles, 'handles', 'an array');
    if (data.length > MESSAGE_BYTES_MAX || handles.length > MESSAGE_HANDLES_MAX) {
      const size = `${data.length} bytes and ${handles.length} handles`;
      const allowed = `${MESSAGE_BYTES_MAX} and ${MESSAGE_HANDLES_MAX}`;
      fail('ZX_ERR_OUT_OF_RANGE', `a message of ${size}: allowed ${allowed}`, {
        bytes: data.length, handles: handles.length,
      });
    }
    const peer = channel.needPeer();
    checkSent(channel, handles);
    channel.system.messages.hold(messageBytes(data.length), () => {
      for (const handle of handles) handle.pack();
      peer.push({ data: copyOf(data), handles: [...handles] });
    });
  }

  /**
   * Takes the oldest message (`zx_channel_read`; needs READ). Its handles get the owner that this
   * handle has.
   *
   * @param bytesMax - room for bytes
   * @param handlesMax - room for handles
   * @throws ZxError ZX_ERR_SHOULD_WAIT where none waits, ZX_ERR_PEER_CLOSED where none can come any
   *     more, ZX_ERR_BUFFER_TOO_SMALL where it does not fit: then it waits on
   */
  read(bytesMax = MESSAGE_BYTES_MAX, handlesMax = MESSAGE_HANDLES_MAX): ChannelMessage {
    const channel = this.change(Right.READ);
    toCount(bytesMax, 'bytesMax');
    toCount(handlesMax, 'handlesMax');
    const message = channel.pull(bytesMax, handlesMax);
    for (const handle of message.handles) handle.unpack(this.owner);
    return message;
  }

  protected remake(rights: number): Channel {
    return new Channel(this.object, rights);
  }
}

function checkSent(channel: ChannelObject, handles: readonly Handle[]): void {
  handles.forEach((given, i) => {
    const handle = toHandle(given, Handle, `handles[${i}]`, channel.system);
    handle.assertTransfers();
    if (handle.object === channel) {
      fail('ZX_ERR_NOT_SUPPORTED', `channel ${channel.koid} cannot carry itself`, {
        koid: channel.koid,
      });
    }
    if (handles.indexOf(handle) !== i) refuse(i, 'handles', 'each handle once');
  });
}
