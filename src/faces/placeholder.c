/* Replaced by the layer's first source. */
extern int faces_placeholder;
int faces_placeholder;
