// Package chaos breaks the running system in every way that is known to happen, while
// clients with ledgers send to it, and then compares what they were told with what is
// stored. docs/reliability.md says what is promised and how to run this.
//
//	make chaos KILLS=500     # the campaign; goes on where it stopped
//	make chaos-outage        # ten minutes without ClickHouse
//	make chaos-overload      # stock clients before a collector that cannot keep up
//
// `make test` runs the same tests in a short form.
package chaos
