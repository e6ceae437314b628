package signaling

import (
	"slices"

	"showroom/call"
)

// recording is who is recorded, and whether that works.
type recording struct {
	on       map[string]bool // what the room was told
	failed   map[string]bool // whom the room could not record
	refused  map[string]bool // who has taken consent back and the log may not know it yet
	toldView *recordingView
}

// wanted are those who are in the room and have consented, sorted.
func (c *conference) wanted() []string {
	wanted := []string{}
	if c.state.Conference.Recording != call.RecordingOn {
		return wanted
	}
	for id := range c.sessions {
		if c.inside(id) && c.state.Conference.Consented(id) && !c.recording.refused[id] {
			wanted = append(wanted, id)
		}
	}
	slices.Sort(wanted)
	return wanted
}

// record tells the room who consented, and everybody in it who is recorded.
func (c *conference) record() {
	wanted := c.wanted()
	for _, id := range wanted {
		c.setRecording(id, true)
	}
	for id, on := range c.recording.on {
		if on && !slices.Contains(wanted, id) {
			c.setRecording(id, false)
		}
	}
	view := c.recordingView()
	if told := c.toldView; told == nil || told.State != view.State || told.Message != view.Message || !slices.Equal(told.Participants, view.Participants) {
		if told != nil || view.State != recordingOff { // off is what everybody expects at first
			c.tellRoom("", recordingMessage{event("recording"), view})
		}
		c.toldView = &view
	}
}

func (c *conference) setRecording(id string, on bool) {
	if c.room == nil || c.recording.on[id] == on {
		return
	}
	c.recording.on[id] = on
	delete(c.recording.failed, id)
	if err := c.room.Record(id, on); err != nil {
		c.log.Error("recording cannot begin", "peer", id, "err", err)
		c.recording.failed[id] = true
	}
}

func (c *conference) recordingView() recordingView {
	v := recordingView{State: recordingOff, Participants: c.wanted()}
	if len(v.Participants) > 0 {
		v.State = recordingOn
	}
	for _, id := range v.Participants {
		if c.recording.failed[id] || c.lastFileFailed(id) {
			v.State, v.Message = recordingFailed, "The recording of a participant failed. The call goes on."
		}
	}
	return v
}

// lastFileFailed looks at the newest file of each source.
func (c *conference) lastFileFailed(participant string) bool {
	latest := map[string]call.File{}
	for _, f := range c.state.Conference.Files {
		if f.Participant == participant {
			latest[f.Source] = f
		}
	}
	for _, f := range latest {
		if f.State == call.FileFailed || f.Reason != "" { // what is whole up to a reason ended before its time
			return true
		}
	}
	return false
}
