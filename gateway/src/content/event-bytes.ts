/** Most bytes of one event or document that are held to read it, unless the options of a target set another limit. */
export const defaultEventBytesMax = 16 * 1024 * 1024;
