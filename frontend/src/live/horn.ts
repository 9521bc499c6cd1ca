/** A two-tone horn made by WebAudio: no file to fetch, and silent until a person switches it on. */

const PERIOD_S = 1.2;

export class Horn {
  private context: AudioContext | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;

  /** Must be called from a click: browsers let no page make sound before one. */
  arm(): void {
    this.context ??= new AudioContext();
    void this.context.resume();
    this.tone(660, 0, 0.12);
  }

  start(): void {
    if (this.timer !== undefined || !this.context) return;
    this.blow();
    this.timer = setInterval(() => this.blow(), PERIOD_S * 1000);
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private blow(): void {
    this.tone(880, 0, 0.4);
    this.tone(660, 0.45, 0.4);
  }

  private tone(hertz: number, after_s: number, for_s: number): void {
    if (!this.context) return;
    const at = this.context.currentTime + after_s;
    const tone = new OscillatorNode(this.context, { type: "square", frequency: hertz });
    const gain = new GainNode(this.context, { gain: 0 });
    // Ramps instead of steps: a step clicks.
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(0.12, at + 0.02);
    gain.gain.setValueAtTime(0.12, at + for_s - 0.03);
    gain.gain.linearRampToValueAtTime(0, at + for_s);
    tone.connect(gain).connect(this.context.destination);
    tone.start(at);
    tone.stop(at + for_s);
  }
}
