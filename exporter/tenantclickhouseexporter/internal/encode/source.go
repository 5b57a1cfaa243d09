package encode

import "encoding/binary"

// source is read from its beginning to its end. Once it does not hold what was
// asked for, it has failed and gives nothing more.
type source struct {
	rest   []byte
	failed bool
}

func (s *source) check(ok bool) {
	if !ok {
		s.failed, s.rest = true, nil
	}
}

func (s *source) uvarint() uint64 {
	v, n := binary.Uvarint(s.rest)
	if s.check(n > 0); s.failed {
		return 0
	}
	s.rest = s.rest[n:]
	return v
}

// count reads the number of things that follow, of so many bytes each at least.
func (s *source) count(size int) int {
	n := s.uvarint()
	if s.check(n <= uint64(len(s.rest)/size)); s.failed {
		return 0
	}
	return int(n)
}

func (s *source) take(n int) []byte {
	if s.check(n <= len(s.rest)); s.failed {
		return nil
	}
	taken := s.rest[:n]
	s.rest = s.rest[n:]
	return taken
}

// bytes reads what stands after its length.
func (s *source) bytes() []byte { return s.take(s.count(1)) }

// shift reads the width of numbers, as the logarithm of its bytes.
func (s *source) shift() uint8 {
	taken := s.take(1)
	if s.check(len(taken) == 1 && (taken[0] == 1 || taken[0] == 2 || taken[0] == 4)); s.failed {
		return 0
	}
	return taken[0] >> 1 // 1, 2 and 4 are 0, 1 and 2
}
