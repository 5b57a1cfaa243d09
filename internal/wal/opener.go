package wal

// Opener is what components find at their host to keep a log: the extension
// write_ahead_log.
type Opener interface {
	// OpenLog opens the log of a component, which closes it. Names must differ.
	OpenLog(name string) (*Log, error)
}
