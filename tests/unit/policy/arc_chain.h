/* An ARC chain of three sets made by another implementation (dkimpy), timestamps from 1700000000.
 * All seals and signatures use the key below, at arc._domainkey of each domain. */
#ifndef TESTS_UNIT_POLICY_ARC_CHAIN_H
#define TESTS_UNIT_POLICY_ARC_CHAIN_H

static const char arc_chain_header[] =
	"ARC-Seal: i=3; cv=pass; a=rsa-sha256; d=third.example; s=arc;\r\n"
	" t=1700000002;\r\n"
	" b=3F5qjuAQP9hWIU0eSFxs2LB+DZaxEXWlkBaJ4I9a7vozNNSGKkI19mIJ84IAZstFr5ZhO\r\n"
	" wTzwjZqR2WHyvyzjfkSm7rdtLjB1ZqBQ+e5UTWVtOuhzmbPsbaZpIsrym8j+Qn/kwrdlM0R\r\n"
	" 9Tgds1kFxgkey/hFThEyLsu1ZDoDybH3w5/Lb7dcPmi5tZ3RuFVKnLoC3ez/bd5ZCQd6KuJ\r\n"
	" ZROZThQltZFMfRUaOnTPRLFeZGiBRpKqIPORih7VTDr28Trhb6o7/32faJDOkUGx7Lh+09Z\r\n"
	" SyLvQGQSRzsl5U1BIUArVW/92WdnjyLr3YnBLE8GA87nmQIgD6fRYJOrZQgw==\r\n"
	"ARC-Message-Signature: i=3; a=rsa-sha256; c=relaxed/relaxed;\r\n"
	" d=third.example; s=arc; t=1700000002; h=from : to : subject : date :\r\n"
	" message-id; bh=QWiUKVUgxN+HBc5JZXMNb9wvU+GbjFc7yGMvk+ECW1Q=;\r\n"
	" b=q8EkwvbzRb4cOcX00PTqbz2Sx3YgegAjX4YR8FxlqR7tR17vFxQ2DsHvXxoK8h+GRhYoT\r\n"
	" wl0skQFpmspfsEgKwgoMSBPE5+C12nHBWo13Jm70WQ1goYi/QbyMMRZLzX13FlEYKEfaUbG\r\n"
	" CSdOaJraf1zr/W1/hS3lw7fshPM4/1NDFiUkQRzHogMscRKTgatbQTuazdbGVEuowxJ/72E\r\n"
	" x2piA/ez8Inu6gIfW34Npr50TrhnySnm5u6zDds/6vuK3o8aR1OU7Vh3E4s7zKv3lXTg72X\r\n"
	" /7km0o+KhfTASpC6Uv8A+Rw602mB5j5GHTj1SLaSEewGCbWOd7rDZjmj/B+Q==\r\n"
	"ARC-Authentication-Results: i=3; third.example; arc=pass\r\n"
	"Authentication-Results: third.example; arc=pass\r\n"
	"ARC-Seal: i=2; cv=pass; a=rsa-sha256; d=relay.example.net; s=arc;\r\n"
	" t=1700000001;\r\n"
	" b=h9eF7stT4pY8laqIYdeZ+kIXROM3UB9s/6YVwSsM+SJ/y7+ok8NCgk72WM/lgJKrTnKSU\r\n"
	" wMl2u5gCm8LiVQFW3NW2WtQXezWCOfnDBXJSagj64nUIOmrNVCCsV3wE2qzkZWYDO7LidpX\r\n"
	" iUxHXpY8XhoG7orJDXzVjGkIqN8jJa1kW5LPN79suSm62oz2RDI4oJIAMR2k01pEDzwSAsb\r\n"
	" KnieclHoAWKuxk3XEtBW1/mzn951WUBqhPHmJtUSKEKIpB1HPj80ELCk0Sqd/sJJVmWLABE\r\n"
	" Wk39fcqX+vLqJI2iUk+NaZI1GQj2krd/7l7hSMhQ/pEWlcs4kEKCR1/dBBWg==\r\n"
	"ARC-Message-Signature: i=2; a=rsa-sha256; c=relaxed/relaxed;\r\n"
	" d=relay.example.net; s=arc; t=1700000001; h=from : to : subject : date\r\n"
	" : message-id; bh=QWiUKVUgxN+HBc5JZXMNb9wvU+GbjFc7yGMvk+ECW1Q=;\r\n"
	" b=lwhVHdSuvvdqD4kQ7sqrOccn+AW3Pe7AP78xxeehejjxV9F53ZUIlNxipxJiiFrYMwEIr\r\n"
	" Zlu7+BtBZOQ8VXtNyAFZHZs4ivxLti6D1xGU/Foqm5r/CXrKjIQRU5J4JjN00IoBhqsEWdL\r\n"
	" 6g9vlbEoRyNf6UJJeI6twxF4TtUvbQvIs3dH4NyMCKZMSBlqr5xWKdooAaNGIzxcdtKPhdz\r\n"
	" piZmemVKlfjq7prZimU9GglE4DFHPAjK3PFDQP04Jw2BxVzwVoaqdruPYJVdSYWfpKaD49+\r\n"
	" E08/FiQUkagbqlwhDpc5RYdZQaTlT1FCt0i/WbE+uny2fGCjE3tYql/jT+Ag==\r\n"
	"ARC-Authentication-Results: i=2; relay.example.net; arc=pass\r\n"
	"Authentication-Results: third.example; arc=pass\r\n"
	"ARC-Seal: i=1; cv=none; a=rsa-sha256; d=lists.example.org; s=arc;\r\n"
	" t=1700000000;\r\n"
	" b=wck5uzJ9h2PUejgdciRfXaIYtxj+71HCkTyC+Utf1DcwdhvWA1o2x1D6j39204P5ezUIe\r\n"
	" Y7UYMgRtNIggNDYB/okoPYwM15tuUfF99T1LWQy0Pd5J09dk8TtCOhmLKPqyicRIMXs9G0f\r\n"
	" ozTF/92N7/Js/pWTTMfiF64LiI27g2GSzx+cuh22u0n3e7oeBk/fbtcmaxgnA2vMIHMtG8o\r\n"
	" 5Ec9Q15mFH17eSSJuJlgtqs1eshYy+m6gMmwgMxtLUDWeg/hUd16AmOFZaoq4rZwE0wQwER\r\n"
	" REnCQ1muSPZSAJk2iZ1AANvlEqw8O2+Wpb2WI4ugZb9s8h6AXU4izSI5xGhw==\r\n"
	"ARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
	" d=lists.example.org; s=arc; t=1700000000; h=from : to : subject : date\r\n"
	" : message-id; bh=QWiUKVUgxN+HBc5JZXMNb9wvU+GbjFc7yGMvk+ECW1Q=;\r\n"
	" b=wA7LrLNC2wk5+i6nWt5WXg8Ar3+iHq7h8YKiC+dAdveXJmMldLVDO0zViFl7cSNycMfqc\r\n"
	" uRu7cy6zIF+08lSDqgXtspmTJsfX2dYdlUISkNylyRa1IwVgL1Imw9qGBXzE9TtvwwsYd0g\r\n"
	" I+kvt1ot3LNI+Ll2SBibuMEREFWU8olU++eUIF6czZMPxLJBkJcQMSJUQAw00PUWwuqoUYj\r\n"
	" /KY31v9H722XTscZrfJdt/3PjRnFBLYKvyglm2VJRAZw7l9eRPCJ9+68Kz48+EByhya/vG5\r\n"
	" koOJO4+xGoD8WN7fL2MQfgwCPQ/NSyo2aM2JXzJhnNZutIbytTYCz9gaCAYQ==\r\n"
	"ARC-Authentication-Results: i=1; lists.example.org; spf=pass smtp.mailfrom=joe@footb"
	"all.example.com\r\n"
	"Authentication-Results: relay.example.net; arc=pass\r\n"
	"Received: from a (b)\r\n"
	"\tby c; x\r\n"
	"From:  Joe  <joe@football.example.com>\r\n"
	"To: x@y.example\r\n"
	"Subject:   A   long \r\n"
	"  folded\tsubject  \r\n"
	"Date: Fri, 11 Jul 2003 21:00:37 -0700\r\n"
	"X-A:\tb\r\n"
	"Message-ID: <1@football.example.com>\r\n"
	"Authentication-Results: lists.example.org; spf=pass smtp.mailfrom=joe@football.examp"
	"le.com\r\n";

static const char arc_chain_body[] = "Hey gang,\r\n"
				     "This is a test message.\r\n";

#define ARC_CHAIN_KEY                                                                              \
	"v=DKIM1; k=rsa; p="                                                                       \
	"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA5qxP6dkMsBs8gsfceIniHTtJnGjv81JWmDxz"         \
	"5KELxg6GcGKROueodONXhyAA38UMUnPZq2Ds7U+Ba6Xk4nT69qrZ0I8+qAM7K9fKA36tOaGquPV2/LkY"         \
	"s++EySjc41uzr5ygK6csjU37wOKBlGjwFSjJx2nE/LvfwX1JsBR5jOrXVC5WvanEovdwG0PeE+EVoZiX"         \
	"H44KEHdKOUbxqXhPYAqMneNv0PJJMP40FSxPNylv6SSRpgJFQuNPcn+V5Nmj9Atp/iqSS/cQYiQMv277"         \
	"cEn7oq9jIh4FX5ddVpF+bxOt4U/0TPpUIf0k8Pr41SqaUZNUjHUadCjFkos/yaJFoQIDAQAB"

#endif
