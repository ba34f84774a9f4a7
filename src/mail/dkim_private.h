/* A private DKIM key inside. */
#ifndef MAIL_DKIM_PRIVATE_H
#define MAIL_DKIM_PRIVATE_H

#include "mail/dkim.h"

#include <openssl/evp.h>

struct dkim_key {
	EVP_PKEY *pkey;
	enum dkim_alg alg;
};

#endif
