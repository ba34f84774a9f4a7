/* Clocks. Engines do not call these; they are handed times. */
#ifndef OS_CLOCK_H
#define OS_CLOCK_H

#include <stdint.h>

/* Seconds since 1970, UTC. */
int64_t clock_unix(void);
/* Milliseconds since some fixed point; never goes back. */
int64_t clock_ms(void);

#endif
