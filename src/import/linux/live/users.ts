/**
 * Names of users, from /etc/passwd.
 */

import { readFileSync } from 'node:fs';

/** Names of users by id. */
export class UserNames {
  private readonly names = new Map<number, string>();

  /** @param passwd - lines `name:password:id:...` */
  constructor(passwd: string) {
    for (const line of passwd.split('\n')) {
      const [name = '', , uid = ''] = line.split(':');
      if (name !== '' && /^\d+$/.test(uid) && !this.names.has(Number(uid))) {
        this.names.set(Number(uid), name);
      }
    }
  }

  /** The names of this machine; none where the file may not be read. */
  static read(path = '/etc/passwd'): UserNames {
    try {
      return new UserNames(readFileSync(path, 'utf8'));
    } catch {
      return new UserNames('');
    }
  }

  /** A user's name, or the number where it has none. */
  nameOf(uid: number): string {
    return this.names.get(uid) ?? String(uid);
  }
}
