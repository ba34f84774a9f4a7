/* Replaced by the layer's first source. */
extern int mail_placeholder;
int mail_placeholder;
