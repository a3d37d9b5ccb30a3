// A `command` as an argument list. Pure. A text goes through /bin/sh; where it is one simple command, the shell is
// told to `exec` it, so that it gets our signals itself and has the pid that LISTEN_PID names.

/** Reads LISTEN_PID: it must be the pid of the program itself, which is known only after the fork. */
const exportPid = 'LISTEN_PID=$$; export LISTEN_PID;';

/** Words that begin something other than a program to run; `exec` in front would change or break it. */
const notPrograms = new Set(
  `! { } [[ case do done elif else esac fi for function if in select then time until while
   . : alias bg break cd command continue eval exec exit export fc fg getopts hash jobs local read readonly return set
   shift source times trap type ulimit umask unalias unset wait`.split(/\s+/),
);

export interface CommandLine {
  readonly command: string;
  readonly args: readonly string[];
  /** The program to run if it can be told before: the first word of a list. */
  readonly program: string | undefined;
  /** A shell stays in between and waits. */
  readonly keepsShell: boolean;
}

export function commandLine(command: string | readonly string[]): CommandLine {
  if (typeof command !== 'string') {
    const [program] = command;
    return {
      command: '/bin/sh',
      args: ['-c', `${exportPid} exec "$@"`, 'sh', ...command],
      program,
      keepsShell: false,
    };
  }
  const isSimple = isSimpleCommand(command);
  const script = `${exportPid} ${isSimple ? 'exec ' : ''}${command}`;
  return { command: '/bin/sh', args: ['-c', script], program: undefined, keepsShell: !isSimple };
}

/**
 * True where the text is certainly one program with its arguments. It errs to false: a quoted `;` counts as a `;`,
 * and without `exec` the command runs just the same.
 */
export function isSimpleCommand(text: string): boolean {
  const trimmed = text.trim();
  if (/[;&|()\n`]|\$\(/.test(trimmed)) return false;
  const first = /^[A-Za-z0-9_.,:+~/@%^-]+(?=\s|$)/.exec(trimmed)?.[0];
  return first !== undefined && !notPrograms.has(first);
}
