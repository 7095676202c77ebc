;; Adam (Kingma & Ba 2015) over all of a network's numbers in one pass, four at a time: ONNX Runtime, whose
;; CPU build has no Adam, takes eleven passes through memory for the same.
;;
;; The memory holds four vectors of float32, each of as many bytes, a multiple of 16: weights, momentum,
;; variance, gradient. The moments are kept without their (1 - beta) factors, which the caller's rate has.
;;
;; adam.wasm is made from this file by `node main/training/step/adam.build.ts`; a test holds the two together.

(module
  (import "adam" "memory" (memory 0))

  ;; Sum of the squares of the gradient. Float32 sums go no further than 4 KiB before they are added as float64.
  (func (export "squares") (param $bytes i32) (result f64)
    (local $at i32) (local $end i32) (local $stop i32)
    (local $four v128) (local $sum v128) (local $total f64)
    (local.set $at (i32.mul (local.get $bytes) (i32.const 3)))
    (local.set $end (i32.mul (local.get $bytes) (i32.const 4)))
    (block $done
      (loop $chunk
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $sum (v128.const f32x4 0 0 0 0))
        (local.set $stop (i32.add (local.get $at) (i32.const 4096)))
        (if (i32.gt_u (local.get $stop) (local.get $end))
          (then (local.set $stop (local.get $end))))
        (loop $next
          (local.set $four (v128.load (local.get $at)))
          (local.set $sum
            (f32x4.add (local.get $sum) (f32x4.mul (local.get $four) (local.get $four))))
          (local.set $at (i32.add (local.get $at) (i32.const 16)))
          (br_if $next (i32.lt_u (local.get $at) (local.get $stop))))
        (local.set $total
          (f64.add (local.get $total)
            (f64.add
              (f64.add
                (f64.promote_f32 (f32x4.extract_lane 0 (local.get $sum)))
                (f64.promote_f32 (f32x4.extract_lane 1 (local.get $sum))))
              (f64.add
                (f64.promote_f32 (f32x4.extract_lane 2 (local.get $sum)))
                (f64.promote_f32 (f32x4.extract_lane 3 (local.get $sum)))))))
        (br $chunk)))
    (local.get $total))

  ;; g = gradient * shorten; momentum = beta1 * momentum + g; variance = beta2 * variance + g * g;
  ;; weights = weights - rate * momentum / (sqrt(variance) + epsilon)
  ;;
  ;; Runs of weights take their gradients from elsewhere in its vector: each has three 32-bit numbers at $run,
  ;; where its weights begin, where they end, and where its gradient begins, in bytes from their vector's start.
  (func (export "update")
    (param $bytes i32) (param $run i32) (param $runsEnd i32)
    (param $shorten f32) (param $rate f32)
    (param $beta1 f32) (param $beta2 f32) (param $epsilon f32)
    (local $weight i32) (local $end i32)
    (local $moment i32) (local $variation i32) (local $gradient i32)
    (local $shortens v128) (local $rates v128)
    (local $keeps1 v128) (local $keeps2 v128) (local $epsilons v128)
    (local $g v128) (local $m v128) (local $v v128)
    (local.set $shortens (f32x4.splat (local.get $shorten)))
    (local.set $rates (f32x4.splat (local.get $rate)))
    (local.set $keeps1 (f32x4.splat (local.get $beta1)))
    (local.set $keeps2 (f32x4.splat (local.get $beta2)))
    (local.set $epsilons (f32x4.splat (local.get $epsilon)))
    (block $done
      (loop $nextRun
        (br_if $done (i32.ge_u (local.get $run) (local.get $runsEnd)))
        (local.set $weight (i32.load (local.get $run)))
        (local.set $end (i32.load offset=4 (local.get $run)))
        (local.set $moment (i32.add (local.get $weight) (local.get $bytes)))
        (local.set $variation (i32.add (local.get $moment) (local.get $bytes)))
        (local.set $gradient
          (i32.add (i32.load offset=8 (local.get $run)) (i32.mul (local.get $bytes) (i32.const 3))))
        (loop $nextFour
          (local.set $g (f32x4.mul (v128.load (local.get $gradient)) (local.get $shortens)))
          (local.set $m
            (f32x4.add
              (f32x4.mul (v128.load (local.get $moment)) (local.get $keeps1))
              (local.get $g)))
          (local.set $v
            (f32x4.add
              (f32x4.mul (v128.load (local.get $variation)) (local.get $keeps2))
              (f32x4.mul (local.get $g) (local.get $g))))
          (v128.store (local.get $moment) (local.get $m))
          (v128.store (local.get $variation) (local.get $v))
          (v128.store (local.get $weight)
            (f32x4.sub
              (v128.load (local.get $weight))
              (f32x4.div
                (f32x4.mul (local.get $m) (local.get $rates))
                (f32x4.add (f32x4.sqrt (local.get $v)) (local.get $epsilons)))))
          (local.set $weight (i32.add (local.get $weight) (i32.const 16)))
          (local.set $moment (i32.add (local.get $moment) (i32.const 16)))
          (local.set $variation (i32.add (local.get $variation) (i32.const 16)))
          (local.set $gradient (i32.add (local.get $gradient) (i32.const 16)))
          (br_if $nextFour (i32.lt_u (local.get $weight) (local.get $end))))
        (local.set $run (i32.add (local.get $run) (i32.const 12)))
        (br $nextRun))))

  ;; For runs that Muon moves: g = gradient * shorten; momentum = beta * momentum + g;
  ;; variance = beta * momentum + g, the direction that is made orthogonal (Nesterov's). Runs are as in "update".
  (func (export "direct")
    (param $bytes i32) (param $run i32) (param $runsEnd i32) (param $shorten f32) (param $beta f32)
    (local $moment i32) (local $direction i32) (local $gradient i32) (local $end i32)
    (local $shortens v128) (local $keeps v128) (local $g v128) (local $m v128)
    (local.set $shortens (f32x4.splat (local.get $shorten)))
    (local.set $keeps (f32x4.splat (local.get $beta)))
    (block $done
      (loop $nextRun
        (br_if $done (i32.ge_u (local.get $run) (local.get $runsEnd)))
        (local.set $moment (i32.add (i32.load (local.get $run)) (local.get $bytes)))
        (local.set $direction (i32.add (local.get $moment) (local.get $bytes)))
        (local.set $end (i32.add (i32.load offset=4 (local.get $run)) (local.get $bytes)))
        (local.set $gradient
          (i32.add (i32.load offset=8 (local.get $run)) (i32.mul (local.get $bytes) (i32.const 3))))
        (loop $nextFour
          (local.set $g (f32x4.mul (v128.load (local.get $gradient)) (local.get $shortens)))
          (local.set $m
            (f32x4.add
              (f32x4.mul (v128.load (local.get $moment)) (local.get $keeps))
              (local.get $g)))
          (v128.store (local.get $moment) (local.get $m))
          (v128.store (local.get $direction)
            (f32x4.add (f32x4.mul (local.get $m) (local.get $keeps)) (local.get $g)))
          (local.set $moment (i32.add (local.get $moment) (i32.const 16)))
          (local.set $direction (i32.add (local.get $direction) (i32.const 16)))
          (local.set $gradient (i32.add (local.get $gradient) (i32.const 16)))
          (br_if $nextFour (i32.lt_u (local.get $moment) (local.get $end))))
        (local.set $run (i32.add (local.get $run) (i32.const 12)))
        (br $nextRun))))

  ;; weights = weights - rate * gradient, from $weight to $end (bytes), where the gradient's place holds what Muon
  ;; made of the direction, in the weights' order.
  (func (export "move") (param $bytes i32) (param $weight i32) (param $end i32) (param $rate f32)
    (local $step i32) (local $rates v128)
    (local.set $rates (f32x4.splat (local.get $rate)))
    (local.set $step (i32.add (local.get $weight) (i32.mul (local.get $bytes) (i32.const 3))))
    (loop $nextFour
      (v128.store (local.get $weight)
        (f32x4.sub
          (v128.load (local.get $weight))
          (f32x4.mul (v128.load (local.get $step)) (local.get $rates))))
      (local.set $weight (i32.add (local.get $weight) (i32.const 16)))
      (local.set $step (i32.add (local.get $step) (i32.const 16)))
      (br_if $nextFour (i32.lt_u (local.get $weight) (local.get $end)))))
)
