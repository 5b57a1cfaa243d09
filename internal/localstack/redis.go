package localstack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// newRedis returns the Redis server of the stack. It holds caches, rate limits
// and hints, all of which may be lost, so nothing is written to disk; memory is
// bounded at 256 MB. The settings come through standard input, because the
// password would be seen in arguments.
func newRedis(data string, account *syscall.Credential, state *State) (Service, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return Service{}, errors.New("the Redis server is not installed: run `make setup`, or install redis-server")
	}
	settings := fmt.Sprintf("bind %s\nport %d\nrequirepass %s\n"+
		"save \"\"\nappendonly no\nmaxmemory 256mb\nmaxmemory-policy allkeys-lru\n",
		loopback, state.RedisPort, state.RedisPassword)
	return Service{
		Name:  "redis",
		RunAs: account,
		Command: func() *exec.Cmd {
			cmd := exec.Command(program, "-")
			cmd.Dir = data
			cmd.Stdin = strings.NewReader(settings)
			return cmd
		},
		Ready:        func(ctx context.Context) error { return pingRedis(ctx, state.RedisURL()) },
		StartTimeout: time.Minute,
		StopSignal:   syscall.SIGTERM,
		StopTimeout:  5 * time.Second,
		OrphanSignal: syscall.SIGKILL,
	}, nil
}

func pingRedis(ctx context.Context, url string) error {
	options, err := goredis.ParseURL(url)
	if err != nil {
		return err
	}
	// The client would log a refused connection on its own.
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", options.Addr)
	if err != nil {
		return err
	}
	conn.Close()
	client := goredis.NewClient(options)
	return errors.Join(client.Ping(ctx).Err(), client.Close())
}
