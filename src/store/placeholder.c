/* Replaced by the layer's first source. */
extern int store_placeholder;
int store_placeholder;
