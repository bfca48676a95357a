/** How many bytes of one event, or of one document, are held to be read, unless the options of a target set another limit. */
export const defaultEventBytesMax = 16 * 1024 * 1024;
