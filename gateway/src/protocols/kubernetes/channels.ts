/** The channels of a program, each the first byte of a message. https://github.com/kubernetes/apimachinery/blob/master/pkg/util/remotecommand/constants.go */
export const channels = { input: 0, output: 1, errors: 2, status: 3, size: 4, close: 255 } as const;
