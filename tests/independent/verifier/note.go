package main

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const noteBytesMax = 1024 * 1024

var (
	decimal   = regexp.MustCompile(`^(?:0|[1-9][0-9]*)$`)
	ownOrigin = regexp.MustCompile(`^countersign/([0-9a-f]{16})$`)
	vkeyForm  = regexp.MustCompile(`^([^+]+)\+([0-9a-f]{8})\+([^\n]+)$`)
)

type checkpoint struct {
	origin          string
	size            uint64
	root            tlog.Hash
	segment, offset uint64
	chain           [32]byte
	hasJournal      bool
}

func parseDecimal(text string) (uint64, error) {
	value, err := strconv.ParseUint(text, 10, 64)
	if !decimal.MatchString(text) || err != nil || value > numberMax {
		return 0, fmt.Errorf("%q is not a number in range", text)
	}
	return value, nil
}

func decodeBase64(text string) ([]byte, error) {
	decoded, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return nil, fmt.Errorf("not canonical base64")
	}
	return decoded, nil
}

func decodeHash(text string) ([32]byte, error) {
	decoded, err := decodeBase64(text)
	if err != nil || len(decoded) != 32 {
		return zeros32, fmt.Errorf("not a hash")
	}
	return [32]byte(decoded), nil
}

func parseVerifier(vkey string) (note.Verifier, error) {
	parts := vkeyForm.FindStringSubmatch(vkey)
	if parts == nil {
		return nil, fmt.Errorf("not a verifier key")
	}
	if _, err := decodeBase64(parts[3]); err != nil {
		return nil, err
	}
	return note.NewVerifier(vkey)
}

// splitNote returns the text of a note. It checks the form that the specification asks for, and no signature.
func splitNote(bytes []byte) (string, error) {
	text := string(bytes)
	at := strings.LastIndex(text, "\n\n")
	if len(bytes) > noteBytesMax || !utf8.ValidString(text) || at < 0 || !strings.HasSuffix(text, "\n") || at+2 == len(text) {
		return "", fmt.Errorf("not a note")
	}
	for _, letter := range text {
		if letter < 0x20 && letter != '\n' {
			return "", fmt.Errorf("note with a control character")
		}
	}
	for _, line := range strings.Split(text[at+2:len(text)-1], "\n") {
		parts := strings.Split(line, " ")
		if len(parts) != 3 || parts[0] != "—" || parts[1] == "" || strings.Contains(parts[1], "+") {
			return "", fmt.Errorf("not a signature line")
		}
		if signature, err := decodeBase64(parts[2]); err != nil || len(signature) <= 4 {
			return "", fmt.Errorf("not a signature line")
		}
	}
	return text[:at+1], nil
}

func parseCheckpoint(text string) (checkpoint, error) {
	var parsed checkpoint
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || lines[0] == "" || lines[len(lines)-1] != "" {
		return parsed, fmt.Errorf("not a checkpoint")
	}
	parsed.origin = lines[0]
	size, err := parseDecimal(lines[1])
	if err != nil {
		return parsed, err
	}
	parsed.size = size
	root, err := decodeHash(lines[2])
	if err != nil {
		return parsed, err
	}
	parsed.root = root
	journals := 0
	for _, line := range lines[3 : len(lines)-1] {
		if line == "" {
			return parsed, fmt.Errorf("not a checkpoint")
		}
		if !strings.HasPrefix(line, "journal ") {
			continue
		}
		journals++
		parts := strings.Split(line, " ")
		if len(parts) != 4 {
			return parsed, fmt.Errorf("not a journal line")
		}
		var errs [3]error
		parsed.segment, errs[0] = parseDecimal(parts[1])
		parsed.offset, errs[1] = parseDecimal(parts[2])
		parsed.chain, errs[2] = decodeHash(parts[3])
		for _, err := range errs {
			if err != nil {
				return parsed, err
			}
		}
	}
	parsed.hasJournal = journals == 1
	if journals > 1 {
		return parsed, fmt.Errorf("checkpoint with %d journal lines", journals)
	}
	return parsed, nil
}

// openCheckpoint returns the checkpoint of a note that a trusted key has signed, by the code of the Go team.
func openCheckpoint(bytes []byte, where string, keys trustedSet, found *findings) *checkpoint {
	text, err := splitNote(bytes)
	if err != nil {
		found.add(malformed, "%s: %v", where, err)
		return nil
	}
	opened, err := note.Open(bytes, keys.verifiers())
	switch failure := err.(type) {
	case nil:
	case *note.InvalidSignatureError:
		found.add(integrity, "%s: %v", where, failure)
		return nil
	case *note.UnverifiedNoteError:
		found.add(trust, "%s: %v", where, failure)
		return nil
	default:
		found.add(malformed, "%s: %v", where, failure)
		return nil
	}
	parsed, err := parseCheckpoint(text)
	if err != nil {
		found.add(malformed, "%s: %v", where, err)
		return nil
	}
	for _, signature := range opened.Sigs {
		if signature.Name != parsed.origin || !keys.signs(signature, parsed.size) {
			continue
		}
		if !parsed.hasJournal {
			found.add(malformed, "%s: checkpoint without a journal line", where)
			return nil
		}
		return &parsed
	}
	found.add(trust, "%s: not signed by a key of its origin that signs at its size", where)
	return nil
}
