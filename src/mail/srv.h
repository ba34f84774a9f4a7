/* SRV records (RFC 2782), by which a domain tells where its IMAP server is (RFC 6186). */
#ifndef MAIL_SRV_H
#define MAIL_SRV_H

#include "base/slice.h"

#include <stdint.h>

#define SRV_NAME_MAX 255

struct srv {
	uint16_t priority, weight, port;
	char target[SRV_NAME_MAX + 1]; /* without the last dot; "": the service is not there */
};

/* From a record's data, its name uncompressed. Only names of hosts. LL_ERR_SYNTAX. */
int srv_parse(struct slice rdata, struct srv *ret) CHECKED;

#endif
