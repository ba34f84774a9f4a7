/* What doctor's parts share: findings. */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "base/vec.h"
#include "cli/cli_priv.h"

enum finding_level { FINDING_OK, FINDING_NOTE, FINDING_WARNING, FINDING_PROBLEM };

struct finding {
	enum finding_level level;
	const char *check; /* "files", "dns", ... */
	const char *what, *advice; /* in the arena; advice is "" where nothing is to be done */
};

struct doctor {
	struct cli *cli;
	struct arena arena;
	VEC(struct finding) findings;
	bool running; /* the server answers */
};

/* Adds a finding; advice may be NULL. */
void doctor_say(struct doctor *d, enum finding_level level, const char *check, const char *advice,
	const char *format, ...) PRINTF_LIKE(5, 6);

/* doctor_files.c: configuration, boot secret, data, certificate, room. */
void doctor_files(struct doctor *d);
void doctor_certificate(struct doctor *d);
void doctor_space(struct doctor *d);
/* doctor_system.c: kernel, memory, clock, ports, the running server. */
void doctor_kernel(struct doctor *d);
void doctor_memory(struct doctor *d);
void doctor_clock(struct doctor *d);
void doctor_server(struct doctor *d);
void doctor_addresses(struct doctor *d);
void doctor_ports(struct doctor *d);
/* doctor_dns.c: what the world finds. */
void doctor_dns(struct doctor *d);

#endif
