/* ICU without a file system: included by the files that use ICU; call mail_icu_init first. */
#ifndef MAIL_ICU_H
#define MAIL_ICU_H

/* Forbids ICU to look for data files: everything comes from its library. Cheap to call again. */
void mail_icu_init(void);

#endif
