// Pictures whose only use is to tell that a letter was read. They are never fetched, not even when the reader
// asks for the letter's pictures.

/** Hosts, or paths of hosts, that serve nothing else. */
const hosts = [
	/(^|\.)list-manage\.com\/track\//, /(^|\.)sendgrid\.net\/wf\/open/, /(^|\.)ct\.sendgrid\.net\//, /(^|\.)mandrillapp\.com\/track\/open/, /^(pixel|beacon)\./,
	/(^|\.)mailtrack\.io\//, /(^|\.)yesware\.com\//, /(^|\.)hubspotemail\.net\//, /(^|\.)track\.customer\.io\//, /(^|\.)email\.mg\.[^/]+\/o\//, /(^|\.)mixpanel\.com\/track/,
	/(^|\.)google-analytics\.com\//, /(^|\.)doubleclick\.net\//, /(^|\.)facebook\.com\/tr\b/, /(^|\.)superhuman\.com\/.*pixel/, /(^|\.)exct\.net\/open/, /(^|\.)sparkpostmail\.com\/q\//,
	/(^|\.)awstrack\.me\/I0\//, /(^|\.)mailgun\.org\/o\//,
];
const paths = /\/(?:open|pixel|beacon)\.(?:gif|png)$|\/wf\/open\b|\/track\/open\b/i;

export function isTracker(url: string): boolean {
	if (!URL.canParse(url))
		return false;
	const { hostname, pathname } = new URL(url);
	return paths.test(pathname) || hosts.some((h) => h.test(hostname + pathname));
}
