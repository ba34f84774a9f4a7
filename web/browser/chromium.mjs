// How Chromium is started for tests: no way to the rest of the world, and nothing that the tests do not look at.

/** Playwright's own list, which a second one replaces. */
const usual = [
	"AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades", "HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding",
	"ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect", "TcpPortRandomizationWin", "OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled", "PreconnectToSearch",
];
/** Pages below an address bar that nobody sees, loaded anew for every window: half of the work of opening one. */
const popups = ["WebUIOmniboxPopup", "WebUIOmniboxAimPopup"];

export const flags = [
	"--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
	`--disable-features=${[...usual, ...popups].join(",")}`,
];
