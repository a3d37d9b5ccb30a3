// What is worth knowing about a config file that is valid: options that were read and do nothing here. The type is
// also the JSON of `status --json`, so its fields are only ever added to.

export interface Note {
  /** Absolute path of the app's file. */
  readonly file: string;
  /** 1-based, in the app's file. */
  readonly line: number;
  readonly column: number;
  /** As it is written in the file. */
  readonly option: string;
  /** `elsewhere`: it is done in another way. `missing`: it is not done. */
  readonly kind: 'elsewhere' | 'missing';
  /** Begins with the option; one sentence without a full stop. */
  readonly message: string;
}
