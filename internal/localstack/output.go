package localstack

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

const (
	// maxLogFile is the size in bytes at which a program's log file is renamed
	// to .1, replacing the one before: two files, 20 MiB, per program.
	maxLogFile = 10 << 20
	// maxLogLine bounds in bytes what is kept of a line without an end.
	maxLogLine = 64 << 10
)

// output shows the lines of all programs on one terminal, each behind the name
// of its program, and keeps them in one file per program.
type output struct {
	folder string // of the log files

	mu       sync.Mutex
	terminal io.Writer
	files    map[string]*logFile
}

func newOutput(terminal io.Writer, folder string) (*output, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the log files: %w", err)
	}
	return &output{folder: folder, terminal: terminal, files: make(map[string]*logFile)}, nil
}

// notice prints a line of the supervisor itself.
func (o *output) notice(format string, arguments ...any) {
	o.write("up", fmt.Appendf(nil, format+"\n", arguments...))
}

// stream returns the writer for one life of the named program.
func (o *output) stream(name string) io.Writer { return &stream{output: o, name: name} }

// write takes whole lines. A log that cannot be written must not stop a program,
// and there is no better place to report it: the terminal has the lines.
func (o *output) write(name string, lines []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for line := range bytes.Lines(lines) {
		_, _ = fmt.Fprintf(o.terminal, "%-9s | %s", name, line)
	}
	file := o.files[name]
	if file == nil {
		file = &logFile{path: filepath.Join(o.folder, name+".log")}
		o.files[name] = file
	}
	file.write(lines)
}

func (o *output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, file := range o.files {
		file.close()
	}
}

// stream cuts what a program writes into lines.
type stream struct {
	output  *output
	name    string
	pending []byte
}

// Write never fails: a program must not be ended by SIGPIPE because of its log.
func (s *stream) Write(data []byte) (int, error) {
	s.pending = append(s.pending, data...)
	if end := bytes.LastIndexByte(s.pending, '\n'); end >= 0 {
		s.output.write(s.name, s.pending[:end+1])
		s.pending = append(s.pending[:0], s.pending[end+1:]...)
	}
	if len(s.pending) > maxLogLine {
		s.output.write(s.name, append(s.pending, '\n'))
		s.pending = s.pending[:0]
	}
	return len(data), nil
}

// logFile is a file that is bounded by renaming it away.
type logFile struct {
	path string
	file *os.File
	size int64
}

func (f *logFile) write(data []byte) {
	if f.file != nil && f.size+int64(len(data)) > maxLogFile {
		f.close()
		_ = os.Rename(f.path, f.path+".1")
	}
	if f.file == nil && f.open() != nil {
		return
	}
	n, _ := f.file.Write(data)
	f.size += int64(n)
}

func (f *logFile) open() error {
	file, err := os.OpenFile(f.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if info, err := file.Stat(); err == nil {
		f.size = info.Size()
	}
	f.file = file
	return nil
}

func (f *logFile) close() {
	if f.file != nil {
		_ = f.file.Close()
		f.file = nil
	}
}
