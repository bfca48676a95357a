/** A witness of one's own, for the command line. */
export { Witness } from '../witnesses/witness.ts';
export { WitnessServer } from '../witnesses/witness-server.ts';
