/* Replaced by the layer's first source. */
extern int ipc_placeholder;
int ipc_placeholder;
