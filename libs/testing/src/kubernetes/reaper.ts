import { spawn } from 'node:child_process';

/** Keeps a list of process groups by the lines it reads; when there are no more lines, whoever wrote them is gone. */
const script = `
groups=' '
while read -r sign group; do
  case $sign in
    +) groups="$groups$group " ;;
    -) case "$groups" in *" $group "*) groups="\${groups%% $group *} \${groups#* $group }" ;; esac ;;
  esac
done
for group in $groups; do kill -KILL "-$group" 2>/dev/null; done
`;

/** Ends the containers when the process that started them dies without doing so, even by kill -9. */
export class Reaper {
  static readonly script = script;
  private readonly shell = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });

  constructor() {
    this.shell.unref();
    this.shell.on('error', () => undefined);
    this.shell.stdin.on('error', () => undefined);
    const { stdin } = this.shell as { stdin: { unref?: () => void } };
    stdin.unref?.();
  }

  add(group: number): void {
    this.shell.stdin.write(`+ ${group}\n`);
  }

  forget(group: number): void {
    this.shell.stdin.write(`- ${group}\n`);
  }

  close(): void {
    this.shell.stdin.end();
  }
}
