import DequeModule
import NIOPosix
import Synchronization

/// Where reviews are read and answered that take more than a moment: one after the other, on a thread beside Swift's own.
///
/// Swift's concurrency has as many threads as the machine has processors, and never takes one away from whoever computes. A
/// few large reviews on them would keep all others waiting; here the operating system sees to it that they do not.
final class LaboriousReviews: TaskExecutor {
    private struct Lane {
        var waiting: Deque<UnownedJob> = []
        var isBusy = false

        /// - Returns: whether somebody has to begin to work.
        mutating func add(_ job: UnownedJob) -> Bool {
            waiting.append(job)
            defer { isBusy = true }
            return !isBusy
        }

        mutating func next() -> UnownedJob? {
            let job = waiting.popFirst()
            isBusy = job != nil
            return job
        }
    }

    private let lane = Mutex(Lane())

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        guard lane.withLock({ $0.add(job) }) else { return }
        NIOThreadPool.singleton.submit { _ in self.work() }
    }

    private func work() {
        while let job = lane.withLock({ $0.next() }) {
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }
}
