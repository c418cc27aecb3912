internal import AdmissionWebhook
internal import KubernetesClient
internal import KubernetesModel
internal import Synchronization
internal import WorkloadIdentity

/// Makes the exchanges of a pod's trial, from within that pod and with the tokens that were mounted for it.
struct PodTrialRun: Sendable {
    let trial: PodTrial
    /// Where the tokens are.
    let folder: String
    let exchange: TokenExchange
    private let clock: any Clock<Duration>

    init(_ trial: PodTrial, folder: String, exchange: TokenExchange, clock: any Clock<Duration> = .continuous) {
        self.trial = trial
        self.folder = folder
        self.exchange = exchange
        self.clock = clock
    }

    /// - Returns: one for each entry of the trial.
    func verdicts() async -> [Verdict] {
        await withTaskGroup(of: (Int, Verdict).self) { group in
            for (index, entry) in trial.entries.enumerated() {
                group.addTask { (index, await verdict(on: entry)) }
            }
            var verdicts = trial.entries.map { Verdict.timedOut($0.exchange.url) }
            for await (index, verdict) in group { verdicts[index] = verdict }
            return verdicts
        }
    }

    private func verdict(on entry: PodTrial.Entry) async -> Verdict {
        let last = Mutex(Verdict.timedOut(entry.exchange.url))
        let watch = Stopwatch(clock)
        try? await withDeadline(PodTrial.limit, clock: clock) {
            while true {
                var result = TrialResult(
                    provider: entry.provider, mechanism: entry.mechanism, verdict: .timedOut(entry.exchange.url))
                try await result.run(
                    entry.exchange, time: { "\(Timestamp.now)" }, token: token, answer: answer)
                // What was broken off says nothing.
                try Task.checkCancellation()
                let verdict = result.verdict
                last.withLock { $0 = verdict }
                guard let pause = PodTrial.pause(after: verdict, at: watch.elapsed) else { return }
                try await watch.sleep(for: pause)
            }
        }
        return last.withLock { $0 }
    }

    private func token(for step: Exchange) throws -> SecretText? {
        guard let name = trial.tokenFile(of: step) else { return SecretText("") }
        let path = "\(folder)/\(name)"
        guard let token = try? InputFile.text(of: path) else {
            throw ExchangeFailure(.failed("TokenMissing", "the pod has no token at \(path)"))
        }
        return SecretText(token)
    }

    private func answer(to request: ExchangeRequest, of step: Exchange) async throws -> ExchangeAnswer {
        var authority: [UInt8]?
        if let secret = step.caSecret {
            guard let text = try? InputFile.text(of: "\(folder)/\(PodTrial.certificateFile(of: secret))") else {
                throw ExchangeFailure(
                    .failed("SecretMissing", "there is no Secret \(secret) with ca.crt, which vault.caSecret names"))
            }
            authority = Array(text.utf8)
        }
        return try await exchange.answer(to: request, trusting: authority)
    }
}
