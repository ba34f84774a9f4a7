// The mark: a letter that is its own lock.
export function Logo({ size = 28 }: { size?: number }) {
	return (
		<svg width={size} height={size} viewBox="0 0 64 64" aria-hidden="true">
			<rect width="64" height="64" rx="15" fill="#2f5bd7" />
			<path d="M13 20.500h38a2 2 0 0 1 2 2v20a3 3 0 0 1-3 3H14a3 3 0 0 1-3-3v-20a2 2 0 0 1 2-2z" fill="#fff" />
			<path d="M12 22l20 15.500L52 22" fill="none" stroke="#2f5bd7" stroke-width="3.500" stroke-linejoin="round" />
			<path d="M32 37.500l-8.500-6.600v-3.400a8.500 8.500 0 0 1 17 0v3.400z" fill="#12307f" />
			<circle cx="32" cy="30" r="2.400" fill="#fff" />
		</svg>
	);
}
