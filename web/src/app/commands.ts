// What the palette offers, and which of it a text means.
export interface Command {
  readonly name: string;
  readonly hint?: string;
  readonly run: () => void;
}

/** Whether all letters of `sought` occur in `name` in that order; the fewer in between, the better. */
export function score(name: string, sought: string): number | null {
  const text = name.toLowerCase();
  let from = 0;
  let distance = 0;
  for (const letter of sought.toLowerCase()) {
    if (letter === " ") continue;
    const found = text.indexOf(letter, from);
    if (found < 0) return null;
    distance += found - from;
    from = found + 1;
  }
  return distance + (text.startsWith(sought.toLowerCase()) ? -10 : 0);
}

export function matching(commands: readonly Command[], sought: string): readonly Command[] {
  if (sought.trim() === "") return commands;
  return commands
    .flatMap((command) => {
      const of = score(command.name, sought);
      return of === null ? [] : [{ command, of }];
    })
    .sort((a, b) => a.of - b.of)
    .map(({ command }) => command);
}
