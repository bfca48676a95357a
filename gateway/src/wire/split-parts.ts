/** Divides the bytes into groups of at most `bytesMax`, in order, without copying. */
export function splitParts(content: readonly Uint8Array[], bytesMax: number): Uint8Array[][] {
  const groups: Uint8Array[][] = [];
  let group: Uint8Array[] = [];
  let room = bytesMax;
  for (const part of content) {
    for (let at = 0; at < part.length;) {
      const piece = part.subarray(at, at + room);
      group.push(piece);
      at += piece.length;
      room -= piece.length;
      if (room === 0) {
        groups.push(group);
        group = [];
        room = bytesMax;
      }
    }
  }
  if (group.length > 0) {
    groups.push(group);
  }
  return groups;
}
