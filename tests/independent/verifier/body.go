package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"
)

const bodyBytesMax = 64 * 1024

var (
	errForm     = fmt.Errorf("not in the canonical form")
	hexHash     = regexp.MustCompile(`^[0-9a-f]{64}$`)
	wholeNumber = regexp.MustCompile(`^(?:0|[1-9][0-9]{0,15})$`)
)

// object is a JSON object. Its members have the order in which they stand.
type object struct {
	names  []string
	values map[string]any
}

// parseCanonical parses JSON that is spelled exactly as JSON.stringify prints it.
func parseCanonical(text []byte) (any, error) {
	if !utf8.Valid(text) {
		return nil, errForm
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	value, err := parseValue(decoder, 0)
	if err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errForm
	}
	var printed bytes.Buffer
	if err := print(&printed, value); err != nil || !bytes.Equal(printed.Bytes(), text) {
		return nil, errForm
	}
	return value, nil
}

func parseValue(decoder *json.Decoder, depth int) (any, error) {
	if depth > 100 {
		return nil, errForm
	}
	token, err := decoder.Token()
	if err != nil {
		return nil, errForm
	}
	switch token {
	case json.Delim('{'):
		parsed := object{values: map[string]any{}}
		for decoder.More() {
			name, err := decoder.Token()
			if err != nil {
				return nil, errForm
			}
			text, isText := name.(string)
			if _, isTwice := parsed.values[text]; !isText || isTwice {
				return nil, errForm
			}
			value, err := parseValue(decoder, depth+1)
			if err != nil {
				return nil, err
			}
			parsed.names = append(parsed.names, text)
			parsed.values[text] = value
		}
		if _, err := decoder.Token(); err != nil {
			return nil, errForm
		}
		return parsed, nil
	case json.Delim('['):
		list := []any{}
		for decoder.More() {
			value, err := parseValue(decoder, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		if _, err := decoder.Token(); err != nil {
			return nil, errForm
		}
		return list, nil
	}
	return token, nil
}

func print(to *bytes.Buffer, value any) error {
	switch value := value.(type) {
	case nil:
		to.WriteString("null")
	case bool:
		to.WriteString(strconv.FormatBool(value))
	case json.Number:
		number, err := value.Float64()
		if err != nil {
			return err
		}
		// Fractions and very large numbers occur in no body of the format.
		to.WriteString(strconv.FormatFloat(number, 'f', -1, 64))
	case string:
		printText(to, value)
	case []any:
		to.WriteByte('[')
		for i, each := range value {
			if i > 0 {
				to.WriteByte(',')
			}
			if err := print(to, each); err != nil {
				return err
			}
		}
		to.WriteByte(']')
	case object:
		to.WriteByte('{')
		for i, name := range value.names {
			if i > 0 {
				to.WriteByte(',')
			}
			printText(to, name)
			to.WriteByte(':')
			if err := print(to, value.values[name]); err != nil {
				return err
			}
		}
		to.WriteByte('}')
	}
	return nil
}

var short = map[rune]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}

func printText(to *bytes.Buffer, text string) {
	to.WriteByte('"')
	for _, letter := range text {
		if escape, isShort := short[letter]; isShort {
			to.WriteString(escape)
		} else if letter < 0x20 {
			fmt.Fprintf(to, `\u%04x`, letter)
		} else {
			to.WriteRune(letter)
		}
	}
	to.WriteByte('"')
}

func count(value any) (uint64, bool) {
	number, isNumber := value.(json.Number)
	if !isNumber || !wholeNumber.MatchString(string(number)) {
		return 0, false
	}
	parsed, err := strconv.ParseUint(string(number), 10, 64)
	return parsed, err == nil && parsed <= numberMax
}

func isCount(value any) bool {
	_, is := count(value)
	return is
}

func isText(value any) bool {
	_, is := value.(string)
	return is
}

func isHash(value any) bool {
	text, is := value.(string)
	return is && hexHash.MatchString(text)
}

// isTuple returns a check for a list whose members pass these checks, one each.
func isTuple(checks ...func(any) bool) func(any) bool {
	return func(value any) bool {
		list, isList := value.([]any)
		if !isList || len(list) != len(checks) {
			return false
		}
		for i, check := range checks {
			if !check(list[i]) {
				return false
			}
		}
		return true
	}
}

// listOf returns a check for a list of any length whose members pass a check.
func listOf(check func(any) bool) func(any) bool {
	return func(value any) bool {
		list, isList := value.([]any)
		for _, each := range list {
			isList = isList && check(each)
		}
		return isList
	}
}

func oneOf(texts ...string) func(any) bool {
	return func(value any) bool {
		text, isText := value.(string)
		return isText && slices.Contains(texts, text)
	}
}

func isSlot(value any) bool {
	slot, is := count(value)
	return is && (slot == 1 || slot == 2)
}

var isClassDay = isTuple(isCount, isCount)

func orNull(check func(any) bool) func(any) bool {
	return func(value any) bool { return value == nil || check(value) }
}

type shape map[string]func(any) bool

// shapes are the members that the body of each kind must have.
var shapes = map[byte]shape{
	kindEpoch:     {"epoch": isCount, "software": isText, "previous": orNull(func(value any) bool { _, is := value.(object); return is })},
	kindOpen:      {"secrets": isHash, "key": func(value any) bool { return isCount(value) || isText(value) }},
	kindClose:     {"records": isCount, "reason": isText},
	kindHeartbeat: {"sessions": isCount},
	kindPause:     {"from": isCount, "to": isCount, "monotonic": isCount},
	kindSeal:      {"segment": isCount, "bytes": isCount, "first": isCount, "records": isCount, "chain": isHash},
	10:            {"what": isText, "session": orNull(isText)},
	11:            {"code": isText},
	35:            {"class": isCount, "day": isCount, "wrapped": isHash},
	37:            {"what": oneOf("create", "release"), "class": isCount},
	41:            {"class": isCount, "content": orNull(isCount), "facts": orNull(isCount), "floor": orNull(isCount)},
	kindSecrets:   {"secrets": isHash, "key": isCount, "meta": isClassDay, "content": isClassDay},
	43:            {"class": isCount, "day": isCount, "wraps": listOf(isTuple(isCount, isSlot, isHash))},
	kindSigner:    {"vkey": isText},
}

// optional are members that a body need not have.
var optional = map[byte]shape{
	kindEpoch: {"meta": isClassDay, "content": isClassDay},
	kindOpen:  {"meta": isClassDay, "content": isClassDay},
	// Only the end of an erasure says what was kept.
	kindErasure: {"kept": listOf(isTuple(isCount, isSlot))},
}

var erasureIntent = shape{
	"phase": isText, "cause": oneOf("expired", "erased", "released"), "keys": listOf(isTuple(isCount, isCount, isHash)),
	"secrets": listOf(isTuple(isCount, isSlot)), "copies": listOf(isText),
}

var erasureComplete = shape{"phase": oneOf("complete"), "intent": isCount}

func shapeOf(kind byte, body map[string]any) shape {
	if kind != kindErasure {
		return shapes[kind]
	}
	if body["phase"] == "intent" {
		return erasureIntent
	}
	return erasureComplete
}

// readBody parses the clear body of a governance leaf.
func readBody(kind byte, text []byte) (map[string]any, error) {
	if len(text) > bodyBytesMax {
		return nil, fmt.Errorf("body too long")
	}
	value, err := parseCanonical(text)
	if err != nil {
		return nil, err
	}
	body, isObject := value.(object)
	if !isObject {
		return nil, errForm
	}
	for name, check := range optional[kind] {
		if member, isThere := body.values[name]; isThere && !check(member) {
			return nil, fmt.Errorf("body without a proper %q", name)
		}
	}
	for name, check := range shapeOf(kind, body.values) {
		member, isThere := body.values[name]
		if !isThere || !check(member) {
			return nil, fmt.Errorf("body without a proper %q", name)
		}
	}
	return body.values, nil
}

func number(body map[string]any, name string) uint64 {
	value, _ := count(body[name])
	return value
}
