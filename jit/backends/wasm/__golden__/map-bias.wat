(import "env" "memory" (memory 1 65536 shared))
(func $run (export "run") (param $params i32) (param $begin i32) (param $end i32)
  (local i32) $unit  $from  $floordiv  $s0  $a  $b  $r  $q  $to  $a.12  $b.13  $r.14  $q.15  $a.16  $b.17  $r.18  $c
      $add  $arg0  $mul  $mul.24  $add.25  $arg1  $add.27  $add.32  $arg2  $add.34
  (local v128) $value  $add_v  $const_v  $value.30  $add_v.31
  local.get $params  i32.load offset=12  local.set $s0
  local.get $params  i32.load  local.set $arg0
  local.get $params  i32.load offset=4  local.set $arg1
  local.get $params  i32.load offset=8  local.set $arg2
  local.get $begin  local.get $end  i32.lt_s  if $if1
    local.get $s0  i32.const 127  i32.add  i32.const 7  i32.shr_s  local.set $floordiv
    v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $const_v
    local.get $begin  local.set $unit
    loop $loop2
      local.get $unit  local.get $floordiv  local.set $b  local.set $a
      local.get $b  i32.eqz  if $if3 (result i32)
        i32.const 0
      else
        local.get $b  i32.const -1  i32.eq  if $if4 (result i32)
          i32.const 0
        else
          local.get $a  local.get $b  i32.rem_s  local.set $q
          local.get $q  local.set $r
          local.get $q  local.get $b  i32.add  local.get $q  local.get $r  i32.const 0  i32.ne  local.get $r
              local.get $b  i32.xor  i32.const 0  i32.lt_s  i32.and  select
        end
      end  i32.const 7  i32.shl  local.set $from
      local.get $s0  local.get $unit  local.get $floordiv  local.set $b.13  local.set $a.12  local.get $b.13  i32.eqz
          if $if5 (result i32)
        i32.const 0
      else
        local.get $b.13  i32.const -1  i32.eq  if $if6 (result i32)
          i32.const 0
        else
          local.get $a.12  local.get $b.13  i32.rem_s  local.set $q.15
          local.get $q.15  local.set $r.14
          local.get $q.15  local.get $b.13  i32.add  local.get $q.15  local.get $r.14  i32.const 0  i32.ne
              local.get $r.14  local.get $b.13  i32.xor  i32.const 0  i32.lt_s  i32.and  select
        end
      end  i32.const 7  i32.shl  i32.const 128  i32.add  local.set $b.17  local.tee $a.16  local.get $b.17
          local.get $a.16  local.get $b.17  i32.lt_s  select  local.set $to
      local.get $from  local.get $to  i32.lt_s  if $if7
        local.get $from  local.set $r.18
        loop $loop8
          local.get $arg0  local.get $r.18  i32.const 7  i32.shl  local.tee $mul  i32.add  local.set $add
          local.get $arg2  local.get $mul  i32.add  local.set $add.32
          i32.const 0  local.set $c
          loop $loop9
            local.get $add  local.get $c  i32.const 2  i32.shl  local.tee $mul.24  i32.add  local.tee $add.25
                v128.load align=4  local.get $arg1  local.get $mul.24  i32.add  local.tee $add.27  v128.load align=4
                f32x4.add  local.tee $add_v  local.get $const_v  f32x4.pmax  local.set $value
            local.get $add.25  v128.load offset=16 align=4  local.get $add.27  v128.load offset=16 align=4  f32x4.add
                local.tee $add_v.31  local.get $const_v  f32x4.pmax  local.set $value.30
            local.get $add.32  local.get $mul.24  i32.add  local.tee $add.34  local.get $value  v128.store align=4
            local.get $add.34  local.get $value.30  v128.store offset=16 align=4
            local.get $c  i32.const 8  i32.add  local.tee $c  i32.const 32  i32.lt_s  br_if $loop9
          end
          local.get $r.18  i32.const 1  i32.add  local.tee $r.18  local.get $to  i32.lt_s  br_if $loop8
        end
      end
      local.get $unit  i32.const 1  i32.add  local.tee $unit  local.get $end  i32.lt_s  br_if $loop2
    end
  end
)
