package store

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"showroom/call"
)

func phone(owner, token string) call.Device {
	return call.Device{Owner: owner, Platform: call.PlatformFCM, Address: call.Address{Token: token}, App: "Cars 1.0"}
}

// told are the words of the log for a stream's devices.
func (s *shop) toldOfDevices(stream string) (words []string) {
	s.Helper()
	for _, e := range need(s.StreamEvents(s.ctx, stream, 0, 100))(s.TB) {
		switch b := e.Body.(type) {
		case call.DeviceRegistered:
			words = append(words, "registered "+b.App)
		case call.DeviceRemoved:
			words = append(words, "removed "+b.Reason)
		}
	}
	return words
}

func TestDevices(t *testing.T) {
	s := openShop(t)
	seller := need(s.RegisterSeller(s.ctx, "key", call.Profile{Name: "Ana", TimeZone: "UTC", Language: "en"}))(t)
	buyer := need(s.RegisterBuyer(s.ctx, "key", call.Contact{Name: "Bruno"}))(t)
	before := dump(t, s.db)

	appended := s.Appended()
	first, made, err := s.RegisterDevice(s.ctx, "key", phone(seller.ID, "token-number-one"))
	if err != nil || !made || first.ID == "" || !first.SeenAt.Equal(noon) {
		t.Fatalf("%+v %v %v", first, made, err)
	}
	select {
	case <-appended:
	default:
		t.Error("who follows the log was not told")
	}
	s.clock.Add(time.Hour)
	again, made, err := s.RegisterDevice(s.ctx, "key", phone(seller.ID, "token-number-one"))
	if err != nil || made || again.ID != first.ID || !again.SeenAt.Equal(noon.Add(time.Hour)) || !again.At.Equal(noon) {
		t.Errorf("registered again: %+v %v %v", again, made, err)
	}
	newer := phone(seller.ID, "token-number-one")
	newer.App = "Cars 2.0"
	if _, _, err := s.RegisterDevice(s.ctx, "key", newer); err != nil {
		t.Fatal(err)
	}
	moved, made, err := s.RegisterDevice(s.ctx, "link", phone(buyer.ID, "token-number-one"))
	if err != nil || !made || moved.ID == first.ID {
		t.Errorf("moved: %+v %v %v", moved, made, err)
	}
	if got, want := s.toldOfDevices(seller.ID), []string{"registered Cars 1.0", "registered Cars 2.0", "removed moved"}; !slices.Equal(got, want) {
		t.Errorf("the seller's log: %q, want %q", got, want)
	}
	if left := need(s.Devices(s.ctx, seller.ID))(t); len(left) != 0 {
		t.Errorf("the seller still has %v", left)
	}

	if err := s.RemoveDevice(s.ctx, seller.ID, moved.ID, "key"); !errors.Is(err, call.ErrNotFound) {
		t.Errorf("another's device: %v", err)
	}
	if err := s.RemoveDead(s.ctx, moved.ID, moved.SeenAt.Add(-time.Second)); err != nil || len(need(s.Devices(s.ctx, buyer.ID))(t)) != 1 {
		t.Errorf("a device that came back after it was gone is removed: %v", err)
	}
	for range 2 { // two messages may find out at the same time
		if err := s.RemoveDead(s.ctx, moved.ID, moved.SeenAt); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := s.toldOfDevices(buyer.ID), []string{"registered Cars 1.0", "removed gone"}; !slices.Equal(got, want) {
		t.Errorf("the buyer's log: %q, want %q", got, want)
	}
	for key := range dump(t, s.db) {
		if _, was := before[key]; !was && (key[:3] == tableDevice || key[:3] == listDevices || key[:3] == listAddresses) {
			t.Errorf("a removed device left %q", key)
		}
	}
	if _, _, err := s.RegisterDevice(s.ctx, "key", phone("sell_nobody", "token-number-two")); !errors.Is(err, call.ErrNotFound) {
		t.Errorf("of nobody: %v", err)
	}
	if n := need(s.Rebuild(s.ctx))(t); n != 0 {
		t.Errorf("%d keys were not as the log says", n)
	}
}

func TestDevicesAreFew(t *testing.T) {
	s := openShop(t)
	buyer := need(s.RegisterBuyer(s.ctx, "key", call.Contact{Name: "Bruno"}))(t)
	for i := range call.MaxDevices + 1 {
		if i == call.MaxDevices { // the first is in use
			s.clock.Add(time.Second)
			if _, _, err := s.RegisterDevice(s.ctx, "key", phone(buyer.ID, "token-number-0")); err != nil {
				t.Fatal(err)
			}
		}
		s.clock.Add(time.Second)
		if _, _, err := s.RegisterDevice(s.ctx, "key", phone(buyer.ID, fmt.Sprint("token-number-", i))); err != nil {
			t.Fatal(err)
		}
	}
	all := need(s.Devices(s.ctx, buyer.ID))(t)
	if len(all) != call.MaxDevices || all[0].Token != "token-number-0" || all[1].Token != "token-number-2" {
		t.Errorf("%d devices, first %v", len(all), all[1].ID)
	}
	if told := s.toldOfDevices(buyer.ID); told[len(told)-2] != "removed too_many" {
		t.Errorf("the log ends with %q", told[len(told)-3:])
	}
}
