import type { Control } from './control.ts';

/** Carries out `alert`. The act goes on as policy says; the channel records the alert beside it. */
export const alerts: Control = { kind: 'alert' };
