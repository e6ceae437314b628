/** Two soft tones for somebody at the door: the seller may be looking at another tab. */
const TONES = [[660, 0], [880, 0.18]]; // Hz, s after the beginning
const LENGTH = 0.35; // s

export function chime() {
  const audio = new AudioContext();
  for (const [pitch, wait] of TONES) {
    const at = audio.currentTime + wait;
    const tone = new OscillatorNode(audio, { frequency: pitch });
    const volume = new GainNode(audio, { gain: 0 });
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(0.15, at + 0.02);
    volume.gain.linearRampToValueAtTime(0, at + LENGTH);
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    tone.stop(at + LENGTH);
  }
  setTimeout(() => audio.close(), 1_000);
}
