package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"showroom/call"
)

// decode reads a JSON object into v, a pointer to a struct. No body is an empty object. A field that v does not have is an error:
// most are typing errors that would otherwise be noticed too late.
func decode(body []byte, v any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		body = []byte("{}")
	}
	if !utf8.Valid(body) {
		return fail(codeBadRequest, "the body is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return decodeProblem(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fail(codeBadRequest, "there is something behind the JSON object")
	}
	return nil
}

func decodeProblem(err error) error {
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrongType) && wrongType.Field == "":
		return fail(codeBadRequest, "the body must be a JSON object, not "+wrongType.Value)
	case errors.As(err, &wrongType):
		return call.Invalid(wrongType.Field, fmt.Sprintf("a %s is needed, not %s", wanted(wrongType), wrongType.Value))
	}
	if quoted, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return call.Invalid(fieldName(quoted), "there is no such field")
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fail(codeBadRequest, "the JSON ends in the middle")
	}
	return fail(codeBadRequest, "the body is not JSON: "+strings.TrimPrefix(err.Error(), "json: "))
}

func wanted(e *json.UnmarshalTypeError) string {
	if e.Type.Kind() == reflect.String {
		return "string"
	}
	return "whole number"
}

// fieldName is a name as the client wrote it, which may be anything.
func fieldName(quoted string) string {
	name, err := strconv.Unquote(quoted)
	if err != nil {
		name = quoted
	}
	if r := []rune(name); len(r) > maxFieldName {
		name = string(r[:maxFieldName]) + "…"
	}
	return name
}

const maxFieldName = 60 // characters

// Times outside of these years are mistakes, and some of them can't be written again as RFC 3339.
const firstYear, lastYear = 2000, 2199

// parseTime reads an RFC 3339 time, nil being none.
func parseTime(field string, text *string) (time.Time, error) {
	if text == nil {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, *text)
	if err != nil {
		return time.Time{}, call.Invalid(field, "not an RFC 3339 time such as 2026-11-20T15:00:00Z")
	}
	t = t.UTC()
	if t.Year() < firstYear || t.Year() > lastYear {
		return time.Time{}, call.Invalid(field, fmt.Sprintf("the year is not between %d and %d", firstYear, lastYear))
	}
	return t, nil
}

// or is what p points to, or the default when the field was not given.
func or[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}
