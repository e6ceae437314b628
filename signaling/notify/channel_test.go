package notify

import (
	"errors"
	"fmt"
	"testing"
)

func TestPermanent(t *testing.T) {
	inner := errors.New("550 no such user")
	wrapped := fmt.Errorf("send: %w", Permanent(inner))
	if !isPermanent(wrapped) || !errors.Is(wrapped, inner) || isPermanent(inner) {
		t.Errorf("permanent: %v, is inner: %v", isPermanent(wrapped), errors.Is(wrapped, inner))
	}
}
