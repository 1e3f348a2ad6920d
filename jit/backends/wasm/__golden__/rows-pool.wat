(import "env" "memory" (memory 1 65536 shared))
(func $run (export "run") (param $params i32) (param $begin i32) (param $end i32)
  (local i32) $unit  $from  $floordiv  $s0  $a  $b  $r  $q  $to  $a.12  $b.13  $r.14  $q.15  $a.16  $b.17  $b.18  $ch
      $hw  $add  $add.40  $arg0  $add.42  $hw.58  $hw.59  $add.61  $add.72  $arg1
  (local v128) $s_0  $s_1  $s_2  $s_3  $s_4  $s_5  $s_6  $s_7  $s_8  $s_9  $s_10  $s_11  $s_12  $s_13  $s_14  $s_15
      $s_tail  $value  $value.43  $value.44  $value.45  $value.46  $value.47  $value.48  $value.49  $value.50  $value.51
      $value.52  $value.53  $value.54  $value.55  $value.56  $value.57  $value.60  $t0v_v  $s  $quarter  $identity
      $quarter.66  $identity.67  $quarter.68  $identity.69  $quarter.70  $identity.71  $const_v
  local.get $params  i32.load offset=8  local.set $s0
  local.get $params  i32.load  local.set $arg0
  local.get $params  i32.load offset=4  local.set $arg1
  local.get $begin  local.get $end  i32.lt_s  if $if1
    local.get $s0  i32.const 10  i32.add  i32.const 11  i32.div_u  local.set $floordiv
    v128.const i32x4 0x3ca72f05 0x3ca72f05 0x3ca72f05 0x3ca72f05  local.set $const_v
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
      end  i32.const 11  i32.mul  local.set $from
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
      end  i32.const 11  i32.mul  i32.const 11  i32.add  local.set $b.17  local.tee $a.16  local.get $b.17
          local.get $a.16  local.get $b.17  i32.lt_s  select  local.set $to
      local.get $from  local.get $to  i32.lt_s  if $if7
        local.get $from  local.set $b.18
        loop $loop8
          local.get $arg0  local.get $b.18  i32.const 6272  i32.mul  i32.add  local.set $add.40
          local.get $arg1  local.get $b.18  i32.const 7  i32.shl  i32.add  local.set $add.72
          i32.const 0  local.set $ch
          loop $loop9
            v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_0
            v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_1
            v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_2
            v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_3
            v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_4
            v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_5
            v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_6
            v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_7
            v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_8
            v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_9
            v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_10
            v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_11
            v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_12
            v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_13
            v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_14
            v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_15
            v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_tail
            local.get $add.40  local.get $ch  i32.const 2  i32.shl  i32.add  local.set $add
            i32.const 0  local.set $hw
            loop $loop10
              local.get $add  local.get $hw  i32.const 7  i32.shl  i32.add  local.tee $add.42  v128.load align=4
                  local.set $value
              local.get $s_0  local.get $value  f32x4.add  local.set $s_0
              local.get $add.42  v128.load offset=128 align=4  local.set $value.43
              local.get $s_1  local.get $value.43  f32x4.add  local.set $s_1
              local.get $add.42  v128.load offset=256 align=4  local.set $value.44
              local.get $s_2  local.get $value.44  f32x4.add  local.set $s_2
              local.get $add.42  v128.load offset=384 align=4  local.set $value.45
              local.get $s_3  local.get $value.45  f32x4.add  local.set $s_3
              local.get $add.42  v128.load offset=512 align=4  local.set $value.46
              local.get $s_4  local.get $value.46  f32x4.add  local.set $s_4
              local.get $add.42  v128.load offset=640 align=4  local.set $value.47
              local.get $s_5  local.get $value.47  f32x4.add  local.set $s_5
              local.get $add.42  v128.load offset=768 align=4  local.set $value.48
              local.get $s_6  local.get $value.48  f32x4.add  local.set $s_6
              local.get $add.42  v128.load offset=896 align=4  local.set $value.49
              local.get $s_7  local.get $value.49  f32x4.add  local.set $s_7
              local.get $add.42  v128.load offset=1024 align=4  local.set $value.50
              local.get $s_8  local.get $value.50  f32x4.add  local.set $s_8
              local.get $add.42  v128.load offset=1152 align=4  local.set $value.51
              local.get $s_9  local.get $value.51  f32x4.add  local.set $s_9
              local.get $add.42  v128.load offset=1280 align=4  local.set $value.52
              local.get $s_10  local.get $value.52  f32x4.add  local.set $s_10
              local.get $add.42  v128.load offset=1408 align=4  local.set $value.53
              local.get $s_11  local.get $value.53  f32x4.add  local.set $s_11
              local.get $add.42  v128.load offset=1536 align=4  local.set $value.54
              local.get $s_12  local.get $value.54  f32x4.add  local.set $s_12
              local.get $add.42  v128.load offset=1664 align=4  local.set $value.55
              local.get $s_13  local.get $value.55  f32x4.add  local.set $s_13
              local.get $add.42  v128.load offset=1792 align=4  local.set $value.56
              local.get $s_14  local.get $value.56  f32x4.add  local.set $s_14
              local.get $add.42  v128.load offset=1920 align=4  local.set $value.57
              local.get $s_15  local.get $value.57  f32x4.add  local.set $s_15
              local.get $hw  i32.const 16  i32.add  local.tee $hw  i32.const 48  i32.lt_s  br_if $loop10
            end
            i32.const 48  local.set $hw.59
            local.get $add  local.get $hw.59  i32.const 7  i32.shl  i32.add  local.tee $add.61  v128.load align=4
                local.tee $t0v_v  local.set $value.60
            local.get $s_tail  local.get $value.60  f32x4.add  local.set $s_tail
            local.get $s_0  local.get $s_4  f32x4.add  local.get $s_8  local.get $s_12  f32x4.add  f32x4.add
                local.set $quarter
            local.get $s_1  local.get $s_5  f32x4.add  local.get $s_9  local.get $s_13  f32x4.add  f32x4.add
                local.set $quarter.66
            local.get $s_2  local.get $s_6  f32x4.add  local.get $s_10  local.get $s_14  f32x4.add  f32x4.add
                local.set $quarter.68
            local.get $s_3  local.get $s_7  f32x4.add  local.get $s_11  local.get $s_15  f32x4.add  f32x4.add
                local.set $quarter.70
            local.get $quarter  local.get $quarter.66  f32x4.add  local.get $quarter.68  local.get $quarter.70
                f32x4.add  f32x4.add  local.get $s_tail  f32x4.add  local.set $s
            local.get $add.72  local.get $ch  i32.const 2  i32.shl  i32.add  local.get $s  local.get $const_v  f32x4.mul
                v128.store align=4
            local.get $ch  i32.const 4  i32.add  local.tee $ch  i32.const 32  i32.lt_s  br_if $loop9
          end
          local.get $b.18  i32.const 1  i32.add  local.tee $b.18  local.get $to  i32.lt_s  br_if $loop8
        end
      end
      local.get $unit  i32.const 1  i32.add  local.tee $unit  local.get $end  i32.lt_s  br_if $loop2
    end
  end
)
