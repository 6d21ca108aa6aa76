/**
 * Outcomes of the model: `'ZX_OK'` or the name of the status a real call has to fail with.
 *
 * The model decides on every refusal before it changes anything, so a refused call has no effect.
 */

/** Name of a Zircon status. */
export type Status =
  | 'ZX_OK'
  | 'ZX_ERR_NOT_SUPPORTED'
  | 'ZX_ERR_INVALID_ARGS'
  | 'ZX_ERR_OUT_OF_RANGE'
  | 'ZX_ERR_BAD_STATE'
  | 'ZX_ERR_NOT_FOUND'
  | 'ZX_ERR_ALREADY_EXISTS'
  | 'ZX_ERR_UNAVAILABLE'
  | 'ZX_ERR_ACCESS_DENIED'
  | 'ZX_ERR_NO_RESOURCES'
  | 'ZX_ERR_BAD_HANDLE';

/** A refusal, thrown by the model; {@link attempt} turns it into its status. */
export class Refusal extends Error {
  constructor(readonly status: Exclude<Status, 'ZX_OK'>) {
    super(status);
  }
}

/** Refuses with `status` when `wrong` holds. */
export const refuseIf = (wrong: boolean, status: Exclude<Status, 'ZX_OK'>): void => {
  if (wrong) throw new Refusal(status);
};

/** Runs `action`; its value, or the status that refused it. */
export const attempt = <T>(action: () => T): { status: Status; value?: T } => {
  try {
    return { status: 'ZX_OK', value: action() };
  } catch (error) {
    if (error instanceof Refusal) return { status: error.status };
    throw error;
  }
};
