/** The lines of a description, without characters that could end a comment or show it otherwise than it is. */
export function linesOf(description: string): string[] {
  const lines = description.split(/\r\n|\n|\r|\p{Zl}|\p{Zp}/u);
  return lines.map((line) => line.replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, " ").trimEnd());
}
