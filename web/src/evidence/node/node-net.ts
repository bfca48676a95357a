/** The list that the dialer fills when it is loaded. Nothing is dialled in the page, so it keeps nothing. */
export class BlockList {
  addAddress(): void {}

  addSubnet(): void {}
}
