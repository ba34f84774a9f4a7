/* Replaced by the layer's first source. */
extern int os_placeholder;
int os_placeholder;
