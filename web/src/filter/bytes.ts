// The server counts bytes of UTF-8, the browser units of UTF-16.

const encoder = new TextEncoder();

/** Where in the text a byte lies. A byte inside a character means the character's start. */
export function unitsOf(text: string, byte: number): number {
  let bytes = 0;
  let units = 0;
  for (const character of text) {
    const next = bytes + encoder.encode(character).length;
    if (next > byte) break;
    bytes = next;
    units += character.length;
  }
  return units;
}

export const bytesOf = (text: string, units: number): number => encoder.encode(text.slice(0, units)).length;
