package corpus

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// Body is one encoded request. It may be sent again and again, by one goroutine at
// a time.
type Body struct {
	Signal string
	Items  int
	Owner  int // whose data it is: the number of a tenant

	number  uint64 // of the body in its corpus
	sent    uint64 // how often it was made
	scrape  time.Time
	data    []byte
	patches []patch
}

// patch is a place in the bytes that is written before each sending.
type patch struct {
	at       uint32
	kind     uint32 // one of the marks below
	argument uint32
}

// The marks stand for values in a new body. Each is the upper half of eight bytes
// whose lower half is an argument; index finds them in the encoded bytes, and
// they are never sent.
const (
	markTime    = 0x7e5a_11c3 + iota<<16 // argument: microseconds before or after the sending
	markEnd                              // the same, give or take up to a millisecond: no two spans last equally long
	markScrape                           // the time of a reading of metrics
	markTrace                            // argument: number of the trace in its body; 16 bytes
	markSpan                             // argument: number of the span in its body
	markCounter                          // argument: number of the series in its body; an integer that rises
	markGauge                            // the same; a floating-point number
	markDigits                           // argument: how many different numbers; eight digits in a text
)

// scrapeInterval is the time between two readings of a series, the usual setting of
// scrapers. Readings of the past are sent as fast as the pipeline takes them.
const scrapeInterval = 15 * time.Second

func mark(kind, argument uint32) uint64 { return uint64(kind)<<32 | uint64(argument) }

// index finds the marks, and fails unless there are as many as were set.
func (b *Body) index(want int) error {
	for at := 0; at+8 <= len(b.data); at++ {
		kind := binary.LittleEndian.Uint32(b.data[at+4:])
		if kind < markTime || kind > markDigits || (kind-markTime)&0xffff != 0 {
			continue
		}
		b.patches = append(b.patches, patch{uint32(at), kind, binary.LittleEndian.Uint32(b.data[at:])})
		at += 7
	}
	if len(b.patches) != want {
		return fmt.Errorf("index a body of %s: %d places of %d found", b.Signal, len(b.patches), want)
	}
	return nil
}

// Next is the body with new ids, times and values. It is valid until the next call.
func (b *Body) Next(now time.Time) []byte {
	unique := b.number<<40 | b.sent<<20
	scrape := uint64(b.scrape.Add(time.Duration(b.sent) * scrapeInterval).UnixNano())
	for _, p := range b.patches {
		place := b.data[p.at:]
		var value uint64
		switch p.kind {
		case markTime:
			value = uint64(now.UnixNano()+int64(int32(p.argument))*1000) + mix(unique+uint64(p.at))%1000
		case markEnd:
			value = uint64(now.UnixNano()+int64(int32(p.argument))*1000) + mix(unique+uint64(p.at))%1_000_000
		case markScrape:
			value = scrape
		case markTrace:
			binary.LittleEndian.PutUint64(place[8:], mix(^(unique + uint64(p.argument))))
			value = mix(unique + uint64(p.argument))
		case markSpan:
			value = mix(unique | 1<<19 + uint64(p.argument))
		case markCounter:
			value = counter(b.sent, uint64(p.argument), mix(unique+uint64(p.argument)))
		case markGauge:
			value = math.Float64bits(gauge(b.sent, uint64(p.argument), mix(unique+uint64(p.argument))))
		case markDigits:
			value = digits(mix(unique+uint64(p.at)) % uint64(p.argument))
		}
		binary.LittleEndian.PutUint64(place, value)
	}
	b.sent++
	return b.data
}

// counter is the value of a series at a reading. A quarter of the counters hardly
// ever move, as those of errors; the others rise at a rate of their own, give or take
// a tenth.
func counter(reading, series, random uint64) uint64 {
	if series%4 == 3 {
		return (reading + series) / 20
	}
	step := 1 + series*37%1000
	return reading*step + random%max(1, step/10)
}

// gauge is the value of a series at a reading: a quarter are constant, as limits; a
// quarter move by whole steps now and then, as the depths of queues; a quarter are
// sizes in pages; a quarter are percentages with two decimals that never rest.
func gauge(reading, series, random uint64) float64 {
	level := series * 37 % 1000
	switch series % 4 {
	case 0:
		return float64(level)
	case 1:
		return float64(level + (reading+series)/4%16)
	case 2:
		return float64((level + (reading+series)/2%64) * 4096)
	default:
		return float64(level%90) + float64(random%1000)/100
	}
}

// digits is a number below 100,000,000 as text, in the order of memory.
func digits(n uint64) (text uint64) {
	for range 8 {
		text = text<<8 | ('0' + n%10)
		n /= 10
	}
	return text
}

// Size is the length of the body in bytes.
func (b *Body) Size() int { return len(b.data) }

// mix is splitmix64: different numbers give different, evenly spread numbers.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
