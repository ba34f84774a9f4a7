/* Replaced by the layer's first source. */
extern int keys_placeholder;
int keys_placeholder;
