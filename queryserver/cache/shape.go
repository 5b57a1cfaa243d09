package cache

import (
	"crypto/sha256"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
)

// Pairs of methods by which a type writes and reads itself.
var selfMade = [...]struct{ write, read reflect.Type }{
	{reflect.TypeFor[json.Marshaler](), reflect.TypeFor[json.Unmarshaler]()},
	{reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[encoding.TextUnmarshaler]()},
}

// shapeOf is a hash of how a type is written as JSON, so that a server never reads what
// another version of it wrote in another form. A type of which JSON would lose a part,
// such as a filter in an unexported field, is an error: it would come back from Redis
// without it.
func shapeOf(t reflect.Type) ([]byte, error) {
	hash := sha256.New()
	if err := writeShape(hash, t, map[reflect.Type]bool{}); err != nil {
		return nil, err
	}
	return hash.Sum(nil), nil
}

func writeShape(to io.Writer, t reflect.Type, seen map[reflect.Type]bool) error {
	fmt.Fprintf(to, "%s %s;", t, t.Kind())
	itself, err := writesItself(t)
	if itself || err != nil || seen[t] {
		return err
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return writeShape(to, t.Elem(), seen)
	case reflect.Map:
		if err := writeShape(to, t.Key(), seen); err != nil {
			return err
		}
		return writeShape(to, t.Elem(), seen)
	case reflect.Struct:
		return writeFields(to, t, seen)
	case reflect.Interface, reflect.Func, reflect.Chan, reflect.UnsafePointer, reflect.Complex64, reflect.Complex128:
		return fmt.Errorf("%s does not survive JSON", t)
	default:
		return nil
	}
}

func writeFields(to io.Writer, t reflect.Type, seen map[reflect.Type]bool) error {
	for i := range t.NumField() {
		field := t.Field(i)
		tag := field.Tag.Get("json")
		if !field.IsExported() || tag == "-" {
			return fmt.Errorf("%s.%s does not survive JSON: it is unexported or left out", t, field.Name)
		}
		fmt.Fprintf(to, "%s %s ", field.Name, tag)
		if err := writeShape(to, field.Type, seen); err != nil {
			return err
		}
	}
	return nil
}

// writesItself says whether JSON leaves the type to its own methods. One that can be
// written so but not read, as a secret that hides itself, is an error.
func writesItself(t reflect.Type) (bool, error) {
	pointer := reflect.PointerTo(t)
	for _, pair := range selfMade {
		if !t.Implements(pair.write) && !pointer.Implements(pair.write) {
			continue
		}
		if !t.Implements(pair.read) && !pointer.Implements(pair.read) {
			return false, fmt.Errorf("%s does not survive JSON: it cannot be read back", t)
		}
		return true, nil
	}
	return false, nil
}
