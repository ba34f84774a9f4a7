/* The DNS records of a domain, for `domain dns` and for doctor. */
#ifndef CLI_DOMAIN_H
#define CLI_DOMAIN_H

#include "cli/cli_priv.h"
#include "ipc/control.h"
#include "mail/dns_records.h"

struct domain_records {
	struct arena arena;
	struct dns_records records;
};
void domain_records_done(struct domain_records *d);

/* Asks the server for the domain's MTA-STS policy; text is empty without. LL_OK, or cli->error says
 * why not. Views live until the next call. */
int domain_sts_ask(struct cli *cli, const char *domain, struct control_sts *ret) CHECKED;

/* Asks the server for the domain's keys and fills in host and certificate; o has the wishes (DMARC,
 * reports). LL_OK, or cli->error says why not. To be released either way. */
int domain_records(struct cli *cli, const char *domain, struct dns_records_options *o,
	struct domain_records *ret) CHECKED;

#endif
