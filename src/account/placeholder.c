/* Replaced by the layer's first source. */
extern int account_placeholder;
int account_placeholder;
