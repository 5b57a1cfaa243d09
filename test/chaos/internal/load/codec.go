package load

import (
	"fmt"

	"google.golang.org/grpc/mem"
)

// bytesCodec sends a request that is encoded already.
type bytesCodec struct{}

func (bytesCodec) Name() string { return "proto" }

func (bytesCodec) Marshal(v any) (mem.BufferSlice, error) {
	body, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("cannot send a %T", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(body)}, nil
}

func (bytesCodec) Unmarshal(data mem.BufferSlice, v any) error {
	reply, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("cannot receive a %T", v)
	}
	*reply = data.Materialize()
	return nil
}
