package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	receiptStart    = "c2sp.org/tlog-proof@v1"
	receiptBytesMax = noteBytesMax + 64*1024
	lineBytesMax    = 8 * 1024 * 1024
	proofMax        = 53
)

// checkRecord checks by the code of the Go team that a leaf is in the log.
func checkRecord(l leaf, leafText []byte, index uint64, proof []tlog.Hash, signed *checkpoint, found *findings) {
	if signed == nil {
		return
	}
	gateway := ""
	if parts := ownOrigin.FindStringSubmatch(signed.origin); parts != nil {
		gateway = parts[1]
	}
	if l.index != index || hex.EncodeToString(l.gateway[:]) != gateway {
		found.add(integrity, "record %d: leaf of another index or another log", index)
	}
	if index >= signed.size {
		found.add(integrity, "record %d: is not under the checkpoint", index)
		return
	}
	if err := tlog.CheckRecord(proof, int64(signed.size), signed.root, int64(index), tlog.RecordHash(leafText)); err != nil {
		found.add(integrity, "record %d: %v", index, err)
	}
}

func verifyReceipt(file []byte, g given, found *findings) {
	malform := func(err error) { found.add(malformed, "receipt: %v", err) }
	at := bytes.Index(file, []byte("\n\n"))
	if len(file) > receiptBytesMax || !utf8.Valid(file) || at < 0 {
		malform(fmt.Errorf("not a receipt"))
		return
	}
	lines := strings.Split(string(file[:at]), "\n")
	if len(lines) < 3 || !strings.HasPrefix(lines[1], "extra ") || !strings.HasPrefix(lines[2], "index ") || len(lines)-3 > proofMax {
		malform(fmt.Errorf("not a receipt"))
		return
	}
	extra, err := decodeBase64(lines[1][len("extra "):])
	if err != nil || len(extra) != leafBytes {
		malform(fmt.Errorf("the extra data is no leaf"))
		return
	}
	index, err := parseDecimal(lines[2][len("index "):])
	if err != nil {
		malform(err)
		return
	}
	var proof []tlog.Hash
	for _, line := range lines[3:] {
		hash, err := decodeHash(line)
		if err != nil {
			malform(err)
			return
		}
		proof = append(proof, hash)
	}
	text, err := splitNote(file[at+2:])
	if err == nil {
		_, err = parseCheckpoint(text)
	}
	l, fault := readLeaf(extra)
	if err == nil && fault != "" {
		err = fmt.Errorf("%s", fault)
	}
	if err != nil {
		malform(err)
		return
	}
	signed := openCheckpoint(file[at+2:], "checkpoint", trustedKeys(nil, nil, g, found), found)
	checkRecord(l, extra, index, proof, signed, found)
}

// A bundle is read as docs/formats/bundle.md has it.
type bundle struct {
	found           *findings
	signed          *checkpoint
	session         string
	isWhole         bool
	hasPolicies     bool
	promised        uint64
	records         uint64
	policies        int
	policyIndex     int64
	first           byte
	closeAt         int64
	next, lastIndex uint64
	previous        [32]byte
}

func verifyBundle(file []byte, g given, found *findings) {
	err := func() error {
		if len(file) == 0 || file[len(file)-1] != '\n' {
			return fmt.Errorf("does not end in a newline")
		}
		lines := strings.Split(string(file[:len(file)-1]), "\n")
		last, err := readLine(lines[len(lines)-1], "checkpoint")
		if err != nil {
			return err
		}
		text, isText := last["checkpoint"].(string)
		if !isText {
			return errForm
		}
		noteText, err := splitNote([]byte(text))
		if err != nil {
			return err
		}
		if _, err := parseCheckpoint(noteText); err != nil {
			return err
		}
		b, key, ring, log, err := readHeader(lines[0])
		if err != nil {
			return err
		}
		b.found = found
		b.signed = openCheckpoint([]byte(text), "checkpoint", trustedKeys([]byte(key), ring, g, found), found)
		if b.signed != nil && b.signed.origin != log {
			found.add(integrity, "the checkpoint is not of the log that the bundle names")
		}
		for i, line := range lines[1:] {
			if strings.HasPrefix(line, `{"checkpoint":`) {
				if i != len(lines)-2 {
					return fmt.Errorf("lines behind the checkpoint")
				}
				break
			}
			if err := b.add(line); err != nil {
				return err
			}
		}
		b.finish()
		return nil
	}()
	if err != nil {
		found.add(malformed, "bundle: %v", err)
	}
}

// readLine parses a line that must have exactly these members in this order.
func readLine(line string, members ...string) (map[string]any, error) {
	if len(line) > lineBytesMax {
		return nil, fmt.Errorf("line too long")
	}
	value, err := parseCanonical([]byte(line))
	if err != nil {
		return nil, err
	}
	parsed, isObject := value.(object)
	if !isObject || len(parsed.names) != len(members) {
		return nil, errForm
	}
	for i, name := range parsed.names {
		if name != members[i] {
			return nil, errForm
		}
	}
	return parsed.values, nil
}

// bundleForms says of each form whether it has a place for policies, and a keyring.
var bundleForms = map[string]struct{ hasPolicies, hasKeyring bool }{
	"countersign/1": {false, false}, "countersign/2": {true, false}, "countersign/3": {false, true}, "countersign/4": {true, true},
}

func readHeader(line string) (*bundle, string, []byte, string, error) {
	members := []string{"bundle", "log", "key", "session", "scope", "records"}
	hasRing := strings.HasPrefix(line, `{"bundle":"countersign/3"`) || strings.HasPrefix(line, `{"bundle":"countersign/4"`)
	if hasRing {
		members = []string{"bundle", "log", "key", "keyring", "session", "scope", "records"}
	}
	header, err := readLine(line, members...)
	if err != nil {
		return nil, "", nil, "", err
	}
	var ring []byte
	if text, isText := header["keyring"].(string); isText {
		ring = []byte(text)
	} else if hasRing {
		return nil, "", nil, "", errForm
	}
	form, _ := header["bundle"].(string)
	log, _ := header["log"].(string)
	key, _ := header["key"].(string)
	session, _ := header["session"].(string)
	scope, _ := header["scope"].(string)
	promised, isNumber := count(header["records"])
	id, err := hex.DecodeString(session)
	has, isForm := bundleForms[form]
	if err != nil || len(id) != 16 || hex.EncodeToString(id) != session || !isNumber || !isForm || scope != "session" && scope != "records" {
		return nil, "", nil, "", errForm
	}
	verifier, err := parseVerifier(key)
	if err != nil || verifier.Name() != log {
		return nil, "", nil, "", fmt.Errorf("the key is not that of the log")
	}
	return &bundle{session: session, isWhole: scope == "session", hasPolicies: has.hasPolicies, promised: promised, closeAt: -1, policyIndex: -1}, key, ring, log, nil
}

func (b *bundle) add(line string) error {
	isPolicy := strings.HasPrefix(line, `{"policy":`)
	first := "index"
	if isPolicy {
		first = "policy"
	}
	record, err := readLine(line, first, "leaf", "proof", "meta", "content")
	if err != nil {
		return err
	}
	index, isNumber := count(record[first])
	text, _ := record["leaf"].(string)
	leafText, err := decodeBase64(text)
	if !isNumber || err != nil {
		return errForm
	}
	l, fault := readLeaf(leafText)
	list, isList := record["proof"].([]any)
	if fault != "" || !isList || len(list) > proofMax {
		return fmt.Errorf("%s", fault)
	}
	var proof []tlog.Hash
	for _, each := range list {
		text, _ := each.(string)
		hash, err := decodeHash(text)
		if err != nil {
			return err
		}
		proof = append(proof, hash)
	}
	meta, err := readSealed(record["meta"])
	if err != nil {
		return err
	}
	content, err := readSealed(record["content"])
	if err != nil {
		return err
	}
	if isPolicy && !b.hasPolicies || !isPolicy && b.policies > 0 {
		return fmt.Errorf("record of policies out of its place")
	}
	checkRecord(l, leafText, index, proof, b.signed, b.found)
	if isPolicy {
		b.addPolicy(l, index)
	} else {
		b.checkPlace(l, leafText, index)
	}
	b.checkBody(l, meta, 1, index)
	b.checkBody(l, content, 2, index)
	return nil
}

func (b *bundle) addPolicy(l leaf, index uint64) {
	if l.kind != kindPolicy || int64(index) <= b.policyIndex {
		b.found.add(integrity, "record %d: not of policies, or out of order", index)
	}
	b.policyIndex = int64(index)
	b.policies++
}

func (b *bundle) checkPlace(l leaf, leafText []byte, index uint64) {
	if hex.EncodeToString(l.session[:]) != b.session {
		b.found.add(integrity, "record %d: of another session", index)
	}
	isFirst := b.records == 0
	switch {
	case l.seq < b.next, !isFirst && index <= b.lastIndex:
		b.found.add(integrity, "record %d: out of order", index)
	case l.seq > b.next && b.isWhole:
		b.found.add(completeness, "record %d: those before it are missing", index)
	case l.seq == b.next && !isFirst && l.previous != b.previous:
		b.found.add(integrity, "record %d: does not follow the one before it", index)
	}
	if isFirst {
		b.first = l.kind
	}
	if l.kind == kindClose && b.closeAt < 0 {
		b.closeAt = int64(b.records)
	}
	b.next, b.lastIndex, b.previous = l.seq+1, index, tlog.RecordHash(leafText)
	b.records++
}

type sealed struct {
	form        string
	salt, plain []byte
}

func readSealed(value any) (sealed, error) {
	if value == nil {
		return sealed{form: "none"}, nil
	}
	body, isObject := value.(object)
	if !isObject {
		return sealed{}, errForm
	}
	text, isText := body.values["clear"].(string)
	switch {
	case len(body.names) == 1 && isText:
		return sealed{form: "clear", plain: []byte(text)}, nil
	case len(body.names) == 1 && body.values["withheld"] == true:
		return sealed{form: "withheld"}, nil
	case len(body.names) == 2 && body.names[0] == "salt" && body.names[1] == "plain":
		saltText, _ := body.values["salt"].(string)
		plainText, isText := body.values["plain"].(string)
		salt, err := decodeHash(saltText)
		plain, plainErr := decodeBase64(plainText)
		if err == nil && plainErr == nil && isText {
			return sealed{form: "opened", salt: salt[:], plain: plain}, nil
		}
	}
	return sealed{}, errForm
}

func (b *bundle) checkBody(l leaf, body sealed, slot byte, index uint64) {
	isThere, isClear, commit := l.flags&flagMeta != 0, l.flags&flagClear != 0, l.metaCommit
	if slot == 2 {
		isThere, isClear, commit = l.storesContent(), false, l.content
	}
	fits := body.form == "opened" || body.form == "withheld"
	if !isThere {
		fits = body.form == "none"
	} else if isClear {
		fits = body.form == "clear"
	}
	switch {
	case !fits:
		b.found.add(integrity, "record %d: a body does not fit the flags", index)
	case body.form == "opened" && commitSealed(l, slot, body.salt, body.plain) != commit, body.form == "clear" && commitClear(body.plain) != commit:
		b.found.add(integrity, "record %d: a body does not match its commitment", index)
	case body.form == "clear":
		parsed, err := readBody(l.kind, body.plain)
		if err != nil {
			b.found.add(malformed, "record %d: %v", index, err)
		} else if l.kind == kindClose && number(parsed, "records") != l.seq+1 {
			b.found.add(integrity, "record %d: close with another count", index)
		}
	}
}

func (b *bundle) finish() {
	if b.records != b.promised {
		b.found.add(later(b.records < b.promised), "%d records, not %d", b.records, b.promised)
	}
	if !b.isWhole {
		return
	}
	if b.first != kindOpen && b.first != kindEpoch {
		b.found.add(completeness, "session without its first record")
	}
	if b.closeAt >= 0 && b.closeAt < int64(b.records)-1 {
		b.found.add(integrity, "records behind the close")
	}
}
